"""The profile meant by RuntimeDefault: an allow-list, everything else fails with EPERM. Its names are in `syscalls`."""

import errno
from typing import Final

from orlop.engine.oci.seccomp.rules import ArchMap, Argument, Condition, Profile, Syscalls
from orlop.engine.oci.seccomp.syscalls import ALWAYS, BY_ARCHITECTURE, WITH_CAPABILITY

ALLOW: Final = "SCMP_ACT_ALLOW"
ERRNO: Final = "SCMP_ACT_ERRNO"

# CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET} of clone(2); CLONE_NEWTIME does not fit among clone's flags.
NEW_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000

AF_VSOCK = 40

# personality(2): Linux, 32-bit Linux, each with and without the old version number, and the query.
PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)

_WITHOUT_SYS_ADMIN = Condition(caps=("CAP_SYS_ADMIN",))


def _clone() -> tuple[Syscalls, ...]:
    """Without CAP_SYS_ADMIN threads and processes yes, namespaces no.

    clone3 hides its flags behind a pointer that a filter cannot follow: ENOSYS makes libc fall back to clone.
    """
    flags_first = (Argument(index=0, value=NEW_NAMESPACES, value_two=0, op="SCMP_CMP_MASKED_EQ"),)
    flags_second = (Argument(index=1, value=NEW_NAMESPACES, value_two=0, op="SCMP_CMP_MASKED_EQ"),)
    s390 = Condition(arches=("s390", "s390x"))
    no_admin_but_s390 = Condition(caps=_WITHOUT_SYS_ADMIN.caps, arches=s390.arches)
    return (
        Syscalls(ALLOW, ("clone",), args=flags_first, excludes=no_admin_but_s390),
        Syscalls(ALLOW, ("clone",), args=flags_second, includes=s390, excludes=_WITHOUT_SYS_ADMIN),
        Syscalls(ERRNO, ("clone3",), errno_ret=errno.ENOSYS, excludes=_WITHOUT_SYS_ADMIN),
    )


def _by_argument() -> tuple[Syscalls, ...]:
    """Calls that are harmless with certain arguments only. vsock reaches the hypervisor past the pod's network."""
    return (
        *(
            Syscalls(ALLOW, ("personality",), args=(Argument(index=0, value=value, op="SCMP_CMP_EQ"),))
            for value in PERSONALITIES
        ),
        Syscalls(ALLOW, ("socket",), args=(Argument(index=0, value=AF_VSOCK, op="SCMP_CMP_NE"),)),
    )


DEFAULT = Profile(
    default_action=ERRNO,
    default_errno_ret=errno.EPERM,
    arch_map=(
        ArchMap("SCMP_ARCH_X86_64", ("SCMP_ARCH_X86", "SCMP_ARCH_X32")),
        ArchMap("SCMP_ARCH_AARCH64", ("SCMP_ARCH_ARM",)),
        ArchMap("SCMP_ARCH_PPC64LE"),
        ArchMap("SCMP_ARCH_RISCV64"),
        ArchMap("SCMP_ARCH_S390X", ("SCMP_ARCH_S390",)),
    ),
    syscalls=(
        Syscalls(ALLOW, ALWAYS),
        *(
            Syscalls(ALLOW, tuple(names.split()), includes=Condition(arches=(arch,)))
            for arch, names in BY_ARCHITECTURE.items()
        ),
        *(
            Syscalls(ALLOW, tuple(names.split()), includes=Condition(caps=(capability,)))
            for capability, names in WITH_CAPABILITY.items()
        ),
        *_clone(),
        *_by_argument(),
    ),
)
