"""Choosing a container's seccomp profile: the default, a file, or none. The default's rules are in `default`."""

import os
import stat
from collections import OrderedDict

import msgspec

from orlop.engine.oci.inputs import Spec
from orlop.engine.oci.seccomp.default import DEFAULT
from orlop.engine.oci.seccomp.rules import Circumstances, Profile, kernel_version, resolve, without
from orlop.linux.files import read_bytes
from orlop.model.enums import ProfileType
from orlop.model.errors import InvalidArgument
from orlop.model.security import SecurityProfile

FILE_LIMIT = 4 << 20
KEPT = 64
"""Resolved profiles that are kept; a node has a handful of capability sets."""

# uname(2)'s machine: Go's and libseccomp's names for it.
ARCHITECTURES = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64"),
    "aarch64": ("arm64", "SCMP_ARCH_AARCH64"),
    "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE"),
    "riscv64": ("riscv64", "SCMP_ARCH_RISCV64"),
    "s390x": ("s390x", "SCMP_ARCH_S390X"),
}


class Profiles:
    """Profiles resolved for a capability set, kept by (file, its identity, capabilities)."""

    def __init__(
        self,
        *,
        default_file: str = "",
        unset: str = "Unconfined",
        machine: str = "",
        kernel: str = "",
        not_run_here: frozenset[str] = frozenset(),
    ) -> None:
        """default_file replaces the built-in RuntimeDefault; unset is what a container without a profile gets.

        machine and kernel default to what uname(2) says. The built-in profile leaves out the architectures not_run_here
        (see `kernel`); files are taken at their word.
        """
        system = os.uname()
        self._default_file = default_file
        self._unset = unset
        self._arch, self._native = ARCHITECTURES.get(machine or system.machine, (machine or system.machine, ""))
        self._kernel = kernel_version(kernel or system.release)
        self._default = without(DEFAULT, not_run_here)
        self._kept: OrderedDict[tuple[object, ...], Spec] = OrderedDict()

    def profile_for(self, profile: SecurityProfile | None, capabilities: frozenset[str]) -> Spec | None:
        """linux.seccomp for the spec, None when unconfined. The result is shared: it must not be changed.

        Raises InvalidArgument naming a file that is missing or no profile.
        """
        kind = ProfileType[self._unset] if profile is None else profile.profile_type
        if kind is ProfileType.Unconfined:
            return None
        path = self._default_file
        if profile is not None and kind is ProfileType.Localhost:
            path = profile.localhost_ref
            if not os.path.isabs(path) or "\0" in path:
                raise InvalidArgument(f"seccomp.localhost_ref must be an absolute path, not {path!r}")
        return self._resolved(path, capabilities)

    def _resolved(self, path: str, capabilities: frozenset[str]) -> Spec:
        key = (path, _identity(path) if path else None, capabilities)
        if key not in self._kept:
            at = Circumstances(capabilities, self._arch, self._native, self._kernel)
            try:
                self._kept[key] = resolve(_load(path) if path else self._default, at)
            except ValueError as error:
                raise InvalidArgument(f"seccomp profile {path!r} is malformed: {error}") from error
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def _identity(path: str) -> tuple[int, int, int, int]:
    """What changes when a file is written anew."""
    try:
        info = os.stat(path)
    except OSError as error:
        raise InvalidArgument(f"seccomp profile {path!r} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(info.st_mode):
        raise InvalidArgument(f"seccomp profile {path!r} is not a regular file")
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


def _load(path: str) -> Profile:
    try:
        return msgspec.json.decode(read_bytes(path, limit=FILE_LIMIT), type=Profile)
    except OSError as error:
        raise InvalidArgument(f"seccomp profile {path!r} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"seccomp profile {path!r} is malformed: {error}") from error
