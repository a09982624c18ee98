"""The pods' network: attach, detach, check, collect. The facade of this package."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orlop.engine.cni.attachment import Attachment
from orlop.engine.cni.result import CniResult


@dataclass(frozen=True, slots=True)
class Readiness:
    """The NetworkReady condition of the CRI."""

    ready: bool
    reason: str = ""
    message: str = ""


class Network:
    """One network for all pods of the node that do not use the node's own."""

    def __init__(
        self,
        *,
        conf_dir: str,
        plugin_dirs: Sequence[str],
        cache_dir: str,
        default_network: str = "",
        add_timeout: float = 300.0,
        del_timeout: float = 60.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`environment` is what plugins get beside CNI_*: by default the daemon's, without what is meant for it alone."""
        raise NotImplementedError

    async def start(self) -> None:
        """Read the configuration and follow its changes from now on."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stop following. Plugins that run are not awaited here; their callers do."""
        raise NotImplementedError

    def readiness(self) -> Readiness:
        """Whether pods can be attached now, and if not, why."""
        raise NotImplementedError

    async def add(self, attachment: Attachment) -> CniResult:
        """Attach a pod. When it fails, everything is detached again; what could not be is on record for `remove`.

        Raises NetworkNotReady, PluginError or PluginTimedOut. A cancelled caller must call `remove`.
        """
        raise NotImplementedError

    async def remove(self, attachment: Attachment) -> None:
        """Detach a pod, with the configuration it was attached by, also when that or its namespace has gone.

        Never attached, or detached already, is fine. Raises StillAttached when a plugin failed: call it again later.
        """
        raise NotImplementedError

    async def check(self, attachment: Attachment) -> None:
        """Ask the plugins whether the attachment is as it was made. Raises PluginError with what they miss."""
        raise NotImplementedError

    async def gc(self, valid: Iterable[Attachment]) -> None:
        """Let plugins free what belongs to no valid attachment (CNI 1.1). Nothing happens where they cannot."""
        raise NotImplementedError

    async def orphans(self, known: Iterable[str]) -> list[Attachment]:
        """Attachments of ours on record whose pod id is not known, as `remove` wants them: after a crash or a reboot."""
        raise NotImplementedError

    async def cached_result(self, attachment: Attachment) -> CniResult | None:
        """The result of the last ADD, from the cache; None when there is none."""
        raise NotImplementedError

    def update_pod_cidr(self, pod_cidr: str) -> None:
        """Take the node's pod CIDRs, separated by commas: given to plugins that have the capability "ipRanges"."""
        raise NotImplementedError
