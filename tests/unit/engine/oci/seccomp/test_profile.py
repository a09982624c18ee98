"""Which profile a container gets, and what the default one allows."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from orlop.engine.oci.capabilities import NAMES
from orlop.engine.oci.seccomp.profile import KEPT, Profiles
from orlop.engine.oci.seccomp.syscalls import ALWAYS, BY_ARCHITECTURE, WITH_CAPABILITY
from orlop.model.enums import ProfileType
from orlop.model.errors import InvalidArgument
from orlop.model.security import SecurityProfile

NONE: frozenset[str] = frozenset()
ADMIN = frozenset(("CAP_SYS_ADMIN",))
DEFAULT = SecurityProfile()
UNCONFINED = SecurityProfile(profile_type=ProfileType.Unconfined)
ALLOW_ALL = {"defaultAction": "SCMP_ACT_ALLOW"}


def local(path: object) -> SecurityProfile:
    return SecurityProfile(profile_type=ProfileType.Localhost, localhost_ref=str(path))


def profiles(**fields: str) -> Profiles:
    return Profiles(**{"machine": "x86_64", "kernel": "6.1.0-18-amd64", **fields})  # type: ignore[arg-type]


def allowed(profile: dict[str, Any] | None, name: str) -> list[Any]:
    """Arguments of the rules that allow a call: [None] is without conditions."""
    assert profile is not None
    rules = [rule for rule in profile["syscalls"] if name in rule["names"] and rule["action"] == "SCMP_ACT_ALLOW"]
    return [rule.get("args") for rule in rules]


def test_unset_means_what_the_configuration_says() -> None:
    assert profiles().profile_for(None, NONE) is None
    assert profiles(unset="RuntimeDefault").profile_for(None, NONE) == profiles().profile_for(DEFAULT, NONE)
    assert profiles(unset="RuntimeDefault").profile_for(UNCONFINED, NONE) is None


def test_the_default_without_capabilities() -> None:
    profile = profiles().profile_for(DEFAULT, NONE)
    assert profile is not None
    assert (profile["defaultAction"], profile["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", errno.EPERM)
    assert profile["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
    assert allowed(profile, "openat2") == [None]
    for name in ("unshare", "setns", "mount", "bpf", "clone3", "reboot", "init_module", "io_uring_setup", "keyctl"):
        assert allowed(profile, name) == [], name
    flags = [{"index": 0, "value": 0x7E020000, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]
    assert allowed(profile, "clone") == [flags]
    assert {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS} in profile["syscalls"]
    assert allowed(profile, "socket") == [[{"index": 0, "value": 40, "valueTwo": 0, "op": "SCMP_CMP_NE"}]]
    assert len(allowed(profile, "personality")) == 5


def test_capabilities_open_more() -> None:
    profile = profiles().profile_for(DEFAULT, ADMIN)
    for name in ("unshare", "setns", "mount", "bpf", "clone", "clone3"):
        assert allowed(profile, name) == [None], name
    assert allowed(profiles().profile_for(DEFAULT, frozenset(("CAP_SYS_TIME",))), "clock_settime") == [None]


def test_architectures_differ() -> None:
    arm = profiles(machine="aarch64").profile_for(DEFAULT, NONE)
    assert arm is not None
    assert arm["architectures"] == ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
    assert allowed(arm, "arch_prctl") == []
    assert allowed(arm, "set_tls") == [None]
    [flags] = allowed(profiles(machine="s390x").profile_for(DEFAULT, NONE), "clone")
    assert flags[0]["index"] == 1


def test_the_tables_are_sound() -> None:
    assert len(ALWAYS) == len(set(ALWAYS))
    assert WITH_CAPABILITY.keys() <= set(NAMES)
    for names in (*WITH_CAPABILITY.values(), *BY_ARCHITECTURE.values()):
        assert set(names.split()).isdisjoint(ALWAYS)


def test_a_profile_is_resolved_once_and_again_when_its_file_changes(tmp_path: Path) -> None:
    known = profiles()
    assert known.profile_for(DEFAULT, NONE) is known.profile_for(DEFAULT, NONE)
    path = tmp_path / "p.json"
    path.write_text(json.dumps(ALLOW_ALL))
    first = known.profile_for(local(path), NONE)
    assert first == {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}
    assert known.profile_for(local(path), NONE) is first
    path.write_text(json.dumps({"defaultAction": "SCMP_ACT_LOG"}))
    assert known.profile_for(local(path), NONE) == {"defaultAction": "SCMP_ACT_LOG", "syscalls": []}


def test_only_so_many_are_kept() -> None:
    known = profiles()
    first = known.profile_for(DEFAULT, NONE)
    for number in range(KEPT):
        known.profile_for(DEFAULT, frozenset((f"CAP_{number}",)))
    assert known.profile_for(DEFAULT, NONE) is not first


def test_a_file_in_place_of_the_default(tmp_path: Path) -> None:
    path = tmp_path / "default.json"
    path.write_text(json.dumps(ALLOW_ALL))
    assert profiles(default_file=str(path)).profile_for(DEFAULT, NONE) == {**ALLOW_ALL, "syscalls": []}
    with pytest.raises(InvalidArgument, match="no-such"):
        profiles(default_file="/no-such.json").profile_for(DEFAULT, NONE)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "malformed"),
        ('{"syscalls": []}', "defaultAction"),
        ('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": 5, "action": "SCMP_ACT_ALLOW"}]}', "syscalls"),
        ('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_ALLOW"}]}', "name or names"),
        ('{"defaultAction": "\xff"}', "malformed"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidArgument, match=rf"bad\.json.*{words}"):
        profiles().profile_for(local(path), NONE)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path, words in ((tmp_path / "none", "No such file"), (tmp_path / "fifo", "regular"), ("relative", "absolute")):
        with pytest.raises(InvalidArgument, match=words):
            profiles().profile_for(local(path), NONE)
    with pytest.raises(InvalidArgument, match="absolute"):
        profiles().profile_for(local(""), NONE)
