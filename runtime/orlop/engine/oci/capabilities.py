"""Capability sets (capabilities(7)) of a container's process. What the daemon itself holds is in HostFacts."""

from collections.abc import Iterable

from orlop.engine.oci.inputs import HostFacts, Spec, SpecSettings
from orlop.model.errors import InvalidArgument, Unsupported
from orlop.model.security import LinuxContainerSecurityContext

_NUMBERED = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
    "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
    "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()

NAMES: tuple[str, ...] = tuple(f"CAP_{name}" for name in _NUMBERED)
"""Index is the kernel's number."""

_KNOWN = frozenset(NAMES)


def names_of(mask: int) -> frozenset[str]:
    """Names of the bits of a mask, as /proc/<pid>/status shows them; bits that we do not know are left out."""
    return frozenset(name for number, name in enumerate(NAMES) if mask >> number & 1)


def granted(context: LinuxContainerSecurityContext, settings: SpecSettings, facts: HostFacts) -> frozenset[str]:
    """Names with "CAP_" that the container's bounding set holds.

    "ALL" sets the base that single names then change: added names outlive a dropped ALL, dropped ones an added ALL.
    """
    if context.privileged:
        return facts.capabilities
    add_all, add = _parse(context.capabilities.add_capabilities, "add_capabilities")
    drop_all, drop = _parse(context.capabilities.drop_capabilities, "drop_capabilities")
    _, ambient = _parse(context.capabilities.add_ambient_capabilities, "add_ambient_capabilities")
    if drop_all:
        base: frozenset[str] = frozenset()
    elif add_all:
        base = facts.capabilities
    else:
        base = _parse(settings.default_capabilities, "default_capabilities")[1] & facts.capabilities
    if lacking := (add | ambient) - drop - facts.capabilities:
        raise Unsupported(
            f"capability {', '.join(sorted(lacking))} cannot be given: the daemon does not hold it itself"
        )
    return (base | add | ambient) - drop


def capability_sets(context: LinuxContainerSecurityContext, settings: SpecSettings, facts: HostFacts) -> Spec:
    """The spec's process.capabilities.

    The inheritable set is empty but for ambient capabilities, which the kernel keeps only when they are inheritable.
    """
    names = _ordered(granted(context, settings, facts))
    sets: Spec = {"bounding": names, "effective": names, "permitted": names}
    wanted_all, wanted = _parse(context.capabilities.add_ambient_capabilities, "add_ambient_capabilities")
    if wanted_all or wanted:
        ambient = names if wanted_all else [name for name in names if name in wanted]
        sets |= {"inheritable": ambient, "ambient": ambient}
    return sets


def _parse(names: Iterable[str], field: str) -> tuple[bool, frozenset[str]]:
    """Whether ALL is among them, and the others with "CAP_"."""
    has_all = False
    found: set[str] = set()
    for given in names:
        name = given.upper()
        if name == "ALL":
            has_all = True
            continue
        name = name if name.startswith("CAP_") else f"CAP_{name}"
        if name not in _KNOWN:
            raise InvalidArgument(f"{field} names an unknown capability: {given!r}")
        found.add(name)
    return has_all, frozenset(found)


def _ordered(names: frozenset[str]) -> list[str]:
    return [name for name in NAMES if name in names]
