"""Sysctls of a pod: which are allowed, and where the kernel has them. Pure; writing them is in namespaces.py.

Only those that belong to a namespace of the pod are allowed; any other would change the node. Names come with dots or
with slashes, as sysctl(8) takes them: "net.ipv4.ip_forward", "net/ipv4/conf/eth0.100/forwarding" or
"net.ipv4.conf.eth0/100.forwarding".
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from orlop.model.errors import InvalidArgument

_IPC = re.compile(r"kernel/(shm[a-z_]*|msg[a-z_]*|sem|sem_next_id)|fs/mqueue/[a-z_]+")
_UTS = ("kernel/hostname", "kernel/domainname")
_PART = re.compile(r"(?!\.\.?$)[^/\s\0]+")
_VALUE_LIMIT = 4096


class Sysctl(msgspec.Struct, frozen=True):
    """One setting, checked."""

    key: str
    """As it was asked for, for messages."""
    path: str
    value: str


def plan(sysctls: Mapping[str, str], *, net: bool, ipc: bool) -> list[Sysctl]:
    """The settings to write in a pod that has these namespaces of its own. Raises InvalidArgument naming the sysctl."""
    return [_checked(key, value, net=net, ipc=ipc) for key, value in sysctls.items()]


def fitting(sysctls: Mapping[str, str], *, net: bool, ipc: bool) -> dict[str, str]:
    """Those of the node's defaults that apply to such a pod; the others are left out without a word."""
    return dict(_fitting(sysctls, net=net, ipc=ipc))


def _fitting(sysctls: Mapping[str, str], *, net: bool, ipc: bool) -> Iterator[tuple[str, str]]:
    for key, value in sysctls.items():
        name = normalised(key)
        if net if name.startswith("net/") else ipc:
            yield key, value


def normalised(key: str) -> str:
    """The name with slashes. Raises InvalidArgument when it is malformed."""
    first = re.search(r"[./]", key)
    if first is not None and first[0] == "/":
        parts = key.split("/")
    else:
        parts = [part.replace("/", ".") for part in key.split(".")]
    if len(parts) < 2 or len(key) > 255 or not all(_PART.fullmatch(part) for part in parts):
        raise InvalidArgument(f"sysctl {key[:255]!r} is malformed")
    return "/".join(parts)


def _checked(key: str, value: str, *, net: bool, ipc: bool) -> Sysctl:
    name = normalised(key)
    if "\n" in value or "\0" in value or len(value) > _VALUE_LIMIT:
        raise InvalidArgument(f"sysctl {key!r}: its value has a line break or is too long")
    if name in _UTS:
        raise InvalidArgument(f"sysctl {key!r} is refused: the pod's hostname decides it")
    if name.startswith("net/"):
        _require(net, key, "network")
    elif _IPC.fullmatch(name):
        _require(ipc, key, "IPC")
    else:
        raise InvalidArgument(
            f"sysctl {key!r} is refused: it belongs to the node. "
            "Possible are net.*, kernel.shm*, kernel.msg*, kernel.sem and fs.mqueue.*"
        )
    return Sysctl(key, f"/proc/sys/{name}", value)


def _require(own: bool, key: str, kind: str) -> None:
    if not own:
        raise InvalidArgument(f"sysctl {key!r} is refused: the pod uses the node's {kind} namespace")
