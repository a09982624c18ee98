"""The shape of a seccomp profile file (the "docker" format, of which the runtime-spec's is a part) and its resolution.

A rule may hold only with certain capabilities, architectures or kernels; resolving leaves plain runtime-spec rules.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

Rule = dict[str, Any]

Action = Literal[
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_LOG",
    "SCMP_ACT_NOTIFY",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_TRAP",
]

Comparison = Literal[
    "SCMP_CMP_EQ",
    "SCMP_CMP_GE",
    "SCMP_CMP_GT",
    "SCMP_CMP_LE",
    "SCMP_CMP_LT",
    "SCMP_CMP_MASKED_EQ",
    "SCMP_CMP_NE",
]


class Argument(msgspec.Struct, frozen=True, rename="camel"):
    """A comparison of one argument of the system call."""

    index: int
    value: int
    op: Comparison
    value_two: int = 0


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """When a rule holds (includes) or does not (excludes)."""

    caps: tuple[str, ...] | None = None
    arches: tuple[str, ...] | None = None
    min_kernel: str | None = None


class Syscalls(msgspec.Struct, frozen=True, rename="camel"):
    """One rule of a profile."""

    action: Action
    names: tuple[str, ...] | None = None
    name: str = ""
    args: tuple[Argument, ...] | None = None
    includes: Condition | None = None
    excludes: Condition | None = None
    errno_ret: int | None = None


class ArchMap(msgspec.Struct, frozen=True, rename="camel"):
    """An architecture and those that its kernel runs as well."""

    architecture: str
    sub_architectures: tuple[str, ...] | None = None


class Profile(msgspec.Struct, frozen=True, rename="camel"):
    """A profile file. Unknown keys (comments, newer fields) are ignored, as the peers do."""

    default_action: Action
    default_errno_ret: int | None = None
    architectures: tuple[str, ...] | None = None
    arch_map: tuple[ArchMap, ...] | None = None
    flags: tuple[str, ...] | None = None
    listener_path: str = ""
    listener_metadata: str = ""
    syscalls: tuple[Syscalls, ...] | None = None


class Circumstances(msgspec.Struct, frozen=True):
    """What the conditions of rules are compared with."""

    capabilities: frozenset[str]
    """With "CAP_"."""
    arch: str
    """In Go's notation: "amd64"."""
    native: str
    """In libseccomp's notation: "SCMP_ARCH_X86_64"."""
    kernel: tuple[int, int]


def resolve(profile: Profile, at: Circumstances) -> dict[str, Any]:
    """The profile as linux.seccomp of the runtime-spec. Raises ValueError for one that contradicts itself."""
    if profile.architectures and profile.arch_map:
        raise ValueError("architectures and archMap are both set")
    resolved: dict[str, Any] = {"defaultAction": profile.default_action}
    if profile.default_errno_ret is not None:
        resolved["defaultErrnoRet"] = profile.default_errno_ret
    if architectures := list(profile.architectures or _mapped(profile.arch_map or (), at.native)):
        resolved["architectures"] = architectures
    optional = {"flags": list(profile.flags or ()), "listenerPath": profile.listener_path}
    optional["listenerMetadata"] = profile.listener_metadata
    resolved |= {key: value for key, value in optional.items() if value}
    resolved["syscalls"] = [_plain(rule) for rule in profile.syscalls or () if _holds(rule, at)]
    return resolved


def without(profile: Profile, architectures: frozenset[str]) -> Profile:
    """The profile without some of the second architectures. A call by such a one's numbers then ends its process."""
    arch_map = tuple(
        msgspec.structs.replace(
            entry, sub_architectures=tuple(sub for sub in entry.sub_architectures or () if sub not in architectures)
        )
        for entry in profile.arch_map or ()
    )
    return msgspec.structs.replace(profile, arch_map=arch_map)


def _mapped(arch_map: Iterable[ArchMap], native: str) -> Iterator[str]:
    for entry in arch_map:
        if entry.architecture == native:
            yield entry.architecture
            yield from entry.sub_architectures or ()


def _holds(rule: Syscalls, at: Circumstances) -> bool:
    includes, excludes = rule.includes or Condition(), rule.excludes or Condition()
    if includes.arches and at.arch not in includes.arches:
        return False
    if includes.caps and not at.capabilities.issuperset(includes.caps):
        return False
    if includes.min_kernel and at.kernel < kernel_version(includes.min_kernel):
        return False
    if excludes.arches and at.arch in excludes.arches:
        return False
    if excludes.caps and not at.capabilities.isdisjoint(excludes.caps):
        return False
    return not (excludes.min_kernel and at.kernel >= kernel_version(excludes.min_kernel))


def _plain(rule: Syscalls) -> Rule:
    if bool(rule.names) == bool(rule.name):
        raise ValueError("a rule must have either name or names")
    plain: Rule = {"names": list(rule.names or (rule.name,)), "action": rule.action}
    if rule.errno_ret is not None:
        plain["errnoRet"] = rule.errno_ret
    if rule.args:
        plain["args"] = [
            {"index": argument.index, "value": argument.value, "valueTwo": argument.value_two, "op": argument.op}
            for argument in rule.args
        ]
    return plain


def kernel_version(text: str) -> tuple[int, int]:
    """Major and minor of "6.1.0-18-amd64" or "4.8". Raises ValueError for anything else."""
    major, minor, *_ = text.split(".")
    return int(major), int("".join(digit for digit in minor if digit.isdigit()) or "x")
