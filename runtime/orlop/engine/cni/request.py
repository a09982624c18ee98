"""What a plugin is given: environment and stdin (CNI specification, sections 2 and 3). Running it is in plugin.py."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from orlop.engine.cni.attachment import Attachment
from orlop.engine.cni.capabilities import Arguments
from orlop.engine.cni.conflist import NetworkConfig, PluginConfig, RawObject

_KEPT_FROM_PLUGINS = ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID")


class Command(StrEnum):
    """Operations of the specification."""

    ADD = "ADD"
    DEL = "DEL"
    CHECK = "CHECK"
    GC = "GC"
    STATUS = "STATUS"
    VERSION = "VERSION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The part of a call that is the pod's: the same for all plugins of its chain, and kept for DEL."""

    pod_id: str
    ifname: str
    netns: str
    args: tuple[tuple[str, str], ...]
    """CNI_ARGS."""
    capabilities: Arguments
    pod: str
    """For messages."""

    def environment(self) -> dict[str, str]:
        """The variables that name the attachment."""
        return {
            "CNI_CONTAINERID": self.pod_id,
            "CNI_NETNS": self.netns,
            "CNI_IFNAME": self.ifname,
            "CNI_ARGS": ";".join(f"{key}={value}" for key, value in self.args),
        }


def request_for(attachment: Attachment, capabilities: Arguments) -> Request:
    """The request of a pod that is to be attached."""
    return Request(
        pod_id=attachment.pod_id,
        ifname=attachment.ifname,
        netns=attachment.netns,
        args=(
            ("IgnoreUnknown", "1"),
            ("K8S_POD_NAMESPACE", attachment.namespace),
            ("K8S_POD_NAME", attachment.name),
            ("K8S_POD_INFRA_CONTAINER_ID", attachment.pod_id),
            ("K8S_POD_UID", attachment.uid),
        ),
        capabilities=capabilities,
        pod=attachment.pod,
    )


def base_environment(inherited: Mapping[str, str], plugin_dirs: Iterable[str]) -> dict[str, str]:
    """What every call gets: the daemon's variables (PATH, proxies …) without those that systemd meant for it alone."""
    kept = {
        key: value for key, value in inherited.items() if key not in _KEPT_FROM_PLUGINS and not key.startswith("CNI_")
    }
    return {**kept, "CNI_PATH": ":".join(plugin_dirs)}


def stdin_for(config: NetworkConfig, plugin: PluginConfig, request: Request, previous: bytes | None) -> bytes:
    """A plugin's configuration for ADD, DEL and CHECK."""
    derived = _derived(config, plugin)
    asked = {name: value for name, value in request.capabilities.items() if name in plugin.capabilities}
    if asked:
        derived["runtimeConfig"] = msgspec.Raw(msgspec.json.encode(asked))
    if previous is not None:
        derived["prevResult"] = msgspec.Raw(previous)
    return msgspec.json.encode(derived)


def stdin_without_pod(
    config: NetworkConfig, plugin: PluginConfig, valid: Iterable[tuple[str, str]] | None = None
) -> bytes:
    """A plugin's configuration for STATUS, and with the valid attachments (pod id and interface) for GC."""
    derived = _derived(config, plugin)
    if valid is not None:
        listed = msgspec.Raw(
            msgspec.json.encode([{"containerID": pod_id, "ifname": ifname} for pod_id, ifname in valid])
        )
        derived["cni.dev/valid-attachments"] = listed
        derived["cni.dev/attachments"] = listed  # the name in an early text of 1.1; libcni gives both
    return msgspec.json.encode(derived)


def _derived(config: NetworkConfig, plugin: PluginConfig) -> RawObject:
    kept = {key: value for key, value in plugin.raw.items() if key != "capabilities" and not key.startswith("cni.dev/")}
    kept["name"] = msgspec.Raw(msgspec.json.encode(config.name))
    kept["cniVersion"] = msgspec.Raw(msgspec.json.encode(config.cni_version))
    return kept
