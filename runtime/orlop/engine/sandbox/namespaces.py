"""A pod's network, IPC and UTS namespaces, without a process in them. Interfaces but loopback are CNI's."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from orlop.aio.threads import offload
from orlop.engine.sandbox import loopback, sysctls
from orlop.engine.sandbox.paths import pod_dir
from orlop.linux.files import ensure_dir, remove_dir, write_value
from orlop.linux.namespaces import Kind, pin_new, unpin
from orlop.linux.syscalls import sethostname
from orlop.model.enums import NamespaceMode
from orlop.model.errors import InvalidArgument, Unsupported
from orlop.model.pod import PinnedNamespaces, PodSandboxConfig

_HOSTNAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62}[a-zA-Z0-9])?")
_KINDS: tuple[Kind, ...] = ("net", "ipc", "uts")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pod gets: decided and checked before anything is made."""

    kinds: tuple[Kind, ...]
    hostname: str
    """Empty: the node's, because its UTS namespace is used."""
    sysctls: tuple[sysctls.Sysctl, ...]


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
        await offload(self._make, pod_id, plan)
        return self._pinned(pod_id, plan.kinds)

    async def remove(self, pod_id: str) -> None:
        """Drop them; those that are not there are fine. Raises OSError when one cannot be unmounted."""
        await offload(self._remove, pod_id)

    def _directory(self, pod_id: str) -> str:
        return f"{pod_dir(self._state_dir, pod_id)}/ns"

    def _pinned(self, pod_id: str, kinds: Sequence[Kind]) -> PinnedNamespaces:
        directory = self._directory(pod_id)
        net, ipc, uts = (f"{directory}/{kind}" if kind in kinds else "" for kind in _KINDS)
        return PinnedNamespaces(net=net, ipc=ipc, uts=uts)

    def _plan(self, pod_id: str, config: PodSandboxConfig) -> Plan:
        options = config.linux.security_context.namespace_options
        if options.userns_options is not None and options.userns_options.mode is NamespaceMode.POD:
            raise Unsupported("pods with a user namespace (hostUsers: false) are not supported yet")
        net = options.network is not NamespaceMode.NODE
        ipc = options.ipc is not NamespaceMode.NODE
        hostname = _hostname(pod_id, config.hostname, own_network=net)
        kinds = tuple(kind for kind, own in zip(_KINDS, (net, ipc, bool(hostname)), strict=True) if own)
        defaults = sysctls.fitting(self._default_sysctls, net=net, ipc=ipc)
        # By path, so that the pod's own value wins however its name is spelled.
        settings = {
            setting.path: setting
            for source in (defaults, config.linux.sysctls)
            for setting in sysctls.plan(source, net=net, ipc=ipc)
        }
        return Plan(kinds, hostname, tuple(settings.values()))

    def _make(self, pod_id: str, plan: Plan) -> None:
        directory = self._directory(pod_id)
        ensure_dir(directory)
        try:
            pin_new(plan.kinds, {kind: f"{directory}/{kind}" for kind in plan.kinds}, _preparation(plan))
        except BaseException:
            remove_dir(directory)
            raise

    def _remove(self, pod_id: str) -> None:
        directory = self._directory(pod_id)
        for kind in _KINDS:
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

    def prepare() -> None:
        if "net" in plan.kinds:
            loopback.bring_up()
        if "uts" in plan.kinds:
            sethostname(plan.hostname)
        for setting in plan.sysctls:
            _write(setting)

    return prepare


def _write(setting: sysctls.Sysctl) -> None:
    try:
        write_value(setting.path, setting.value)
    except FileNotFoundError as error:
        raise InvalidArgument(f"sysctl {setting.key!r}: the kernel has no such setting in a pod's namespace") from error
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise InvalidArgument(f"sysctl {setting.key!r}: the kernel refuses {setting.value!r}: {reason}") from error
