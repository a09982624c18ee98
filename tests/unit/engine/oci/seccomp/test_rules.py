"""Profile files with conditions become plain runtime-spec profiles."""

from typing import Any

import msgspec
import pytest

from orlop.engine.oci.seccomp.rules import Circumstances, Profile, kernel_version, resolve

AT = Circumstances(
    capabilities=frozenset(("CAP_CHOWN", "CAP_SYS_TIME")), arch="amd64", native="SCMP_ARCH_X86_64", kernel=(6, 1)
)


def resolved(**fields: Any) -> dict[str, Any]:
    profile = {"defaultAction": "SCMP_ACT_ERRNO", **fields}
    return resolve(msgspec.json.decode(msgspec.json.encode(profile), type=Profile), AT)


def rule(**fields: Any) -> dict[str, Any]:
    return {"names": ["read"], "action": "SCMP_ACT_ALLOW", **fields}


@pytest.mark.parametrize(
    ("fields", "holds"),
    [
        ({}, True),
        ({"includes": {}}, True),
        ({"includes": {"caps": ["CAP_CHOWN"]}}, True),
        ({"includes": {"caps": ["CAP_CHOWN", "CAP_KILL"]}}, False),
        ({"excludes": {"caps": ["CAP_KILL"]}}, True),
        ({"excludes": {"caps": ["CAP_KILL", "CAP_CHOWN"]}}, False),
        ({"includes": {"arches": ["arm64", "amd64"]}}, True),
        ({"includes": {"arches": ["arm64"]}}, False),
        ({"excludes": {"arches": ["amd64"]}}, False),
        ({"includes": {"minKernel": "4.8"}}, True),
        ({"includes": {"minKernel": "6.1"}}, True),
        ({"includes": {"minKernel": "6.10"}}, False),
        ({"excludes": {"minKernel": "6.1"}}, False),
        ({"includes": None, "excludes": None, "args": None, "comment": "x"}, True),
    ],
)
def test_conditions(fields: dict[str, Any], holds: bool) -> None:
    assert bool(resolved(syscalls=[rule(**fields)])["syscalls"]) is holds


def test_everything_else_passes() -> None:
    argument = {"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}
    plain = resolved(
        defaultErrnoRet=38,
        architectures=["SCMP_ARCH_X86"],
        flags=["SECCOMP_FILTER_FLAG_LOG"],
        listenerPath="/run/x.sock",
        syscalls=[rule(errnoRet=5, args=[argument]), {"name": "write", "action": "SCMP_ACT_LOG"}],
    )
    assert plain == {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 38,
        "architectures": ["SCMP_ARCH_X86"],
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "listenerPath": "/run/x.sock",
        "syscalls": [
            {"names": ["read"], "action": "SCMP_ACT_ALLOW", "errnoRet": 5, "args": [argument | {"valueTwo": 0}]},
            {"names": ["write"], "action": "SCMP_ACT_LOG"},
        ],
    }


def test_the_map_of_architectures() -> None:
    arches = [
        {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
    ]
    expected = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
    assert resolved(archMap=arches)["architectures"] == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "SCMP_ARCH_X86"}]},
        {"syscalls": [rule(name="write")]},
        {"syscalls": [rule(names=[])]},
        {"syscalls": [rule(action="SCMP_ACT_PERHAPS")]},
        {"syscalls": [rule(args=[{"index": 0, "value": 0, "op": "EQ"}])]},
        {"syscalls": [rule(includes={"minKernel": "new"})]},
        {"defaultAction": 5},
    ],
)
def test_contradictions_and_nonsense(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        resolved(**fields)


def test_kernel_versions() -> None:
    assert kernel_version("6.18.44-fc-v657") == (6, 18)
    assert kernel_version("4.8") == (4, 8)
