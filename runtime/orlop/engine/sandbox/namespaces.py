"""A pod's network, IPC, UTS and user namespaces, without a process in them. Interfaces but loopback are CNI's."""

import os
import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from orlop.aio.threads import offload
from orlop.engine.sandbox import sysctls, userns
from orlop.engine.sandbox.idmaps import user_namespace
from orlop.engine.sandbox.paths import pod_dir
from orlop.engine.sandbox.preparation import prepare
from orlop.linux.files import ensure_dir, remove_dir
from orlop.linux.namespaces import Kind, pin_new, run_in_uts, unpin
from orlop.linux.syscalls import sethostname
from orlop.model.enums import NamespaceMode
from orlop.model.errors import InvalidArgument, OrlopError
from orlop.model.pod import PinnedNamespaces, PodSandboxConfig
from orlop.model.security import UserNamespace

_HOSTNAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62}[a-zA-Z0-9])?")
_KINDS: tuple[Kind, ...] = ("net", "ipc", "uts")
_ALL: tuple[Kind, ...] = (*_KINDS, "user")


class Plan(msgspec.Struct, frozen=True):
    """What a pod gets: decided and checked before anything is made."""

    kinds: tuple[Kind, ...]
    hostname: str
    """Empty: the node's, because its UTS namespace is used."""
    sysctls: tuple[sysctls.Sysctl, ...]
    user: UserNamespace | None = None
    """Owner of the others, where the pod has one."""

    @property
    def settings(self) -> list[tuple[str, str, str]]:
        """The sysctls as plain values: name, path, value."""
        return [(setting.key, setting.path, setting.value) for setting in self.sysctls]


class Namespaces:
    """Pins namespaces below <state_dir>/pods/<id>/ns/."""

    def __init__(self, state_dir: str, *, default_sysctls: Mapping[str, str] | None = None) -> None:
        self._state_dir = state_dir
        self._default_sysctls = dict(default_sysctls or {})
        sysctls.plan(self._default_sysctls, net=True, ipc=True)  # a bad default is told at start, not by every pod

    def paths(self, pod_id: str, config: PodSandboxConfig) -> PinnedNamespaces:
        """Where the namespaces of such a pod are (or will be) pinned: a record can be written before they exist.

        Raises InvalidArgument or Unsupported for what `create` would refuse.
        """
        return self._pinned(pod_id, self._plan(pod_id, config).kinds)

    async def create(self, pod_id: str, config: PodSandboxConfig) -> PinnedNamespaces:
        """Make the namespaces that the pod does not share with the node: host name set, loopback up, sysctls written.

        Raises InvalidArgument naming a sysctl or field; then nothing is left.
        """
        plan = self._plan(pod_id, config)
        await self._make(pod_id, plan)
        return self._pinned(pod_id, plan.kinds)

    async def remove(self, pod_id: str) -> None:
        """Drop them; those that are not there are fine. Raises OSError when one cannot be unmounted."""
        await offload(self._remove, pod_id)

    def _directory(self, pod_id: str) -> str:
        return f"{pod_dir(self._state_dir, pod_id)}/ns"

    def _pinned(self, pod_id: str, kinds: Sequence[Kind]) -> PinnedNamespaces:
        directory = self._directory(pod_id)
        return PinnedNamespaces(**{kind: f"{directory}/{kind}" for kind in kinds})

    def _plan(self, pod_id: str, config: PodSandboxConfig) -> Plan:
        options = config.linux.security_context.namespace_options
        user = user_namespace(options)
        net = options.network is not NamespaceMode.NODE
        ipc = options.ipc is not NamespaceMode.NODE
        hostname = _hostname(pod_id, config.hostname, own_network=net)
        owns = (net, ipc, bool(hostname), user is not None)
        kinds = tuple(kind for kind, own in zip(_ALL, owns, strict=True) if own)
        defaults = sysctls.fitting(self._default_sysctls, net=net, ipc=ipc)
        # By path, so that the pod's own value wins however its name is spelled.
        settings = {
            setting.path: setting
            for source in (defaults, config.linux.sysctls)
            for setting in sysctls.plan(source, net=net, ipc=ipc)
        }
        return Plan(kinds, hostname, tuple(settings.values()), user)

    async def name_host(self, pod_id: str, config: PodSandboxConfig) -> None:
        """Give the pod its host name again: CRIU writes a restored container's into the namespace that it joins."""
        plan = self._plan(pod_id, config)
        if "uts" in plan.kinds:
            path = f"{self._directory(pod_id)}/uts"
            await offload(run_in_uts, path, lambda: sethostname(plan.hostname))

    async def _make(self, pod_id: str, plan: Plan) -> None:
        directory = self._directory(pod_id)
        ensure_dir(directory)
        paths = {kind: f"{directory}/{kind}" for kind in plan.kinds}
        try:
            if plan.user is not None:
                await userns.make(plan.user, paths, hostname=plan.hostname, sysctls=plan.settings)
            else:
                await offload(pin_new, plan.kinds, paths, _preparation(plan))
        except (OrlopError, OSError):
            remove_dir(directory)
            raise

    def _remove(self, pod_id: str) -> None:
        directory = self._directory(pod_id)
        for kind in _ALL:
            unpin(f"{directory}/{kind}")
        remove_dir(directory)


def _hostname(pod_id: str, asked: str, *, own_network: bool) -> str:
    """The pod's host name; empty when the node's UTS namespace will do: same network, same name."""
    if asked and not _HOSTNAME.fullmatch(asked):
        raise InvalidArgument(
            f"config.hostname {asked!r} is not a host name of at most 64 letters, digits, '.' and '-'"
        )
    if own_network:
        return asked or pod_id[:12]
    return "" if asked in ("", os.uname().nodename) else asked


def _preparation(plan: Plan) -> Callable[[], None]:
    """What is done inside the new namespaces before anybody can join them."""

    return lambda: prepare(plan.kinds, plan.hostname, plan.settings)
