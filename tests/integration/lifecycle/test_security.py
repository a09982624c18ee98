"""Who a container is and what it may do: users, capabilities, seccomp, read-only parts, privileges."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness.cri import refused
from tests.harness.foreign import ours
from tests.harness.pods import CONTAINER, Container, Pods
from tests.integration.lifecycle.conftest import each_handler

DEFAULT = {0, 1, 3, 4, 5, 6, 7, 8, 10}
"""chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service."""
NET_RAW, CHOWN = 13, 0
RUNTIME_DEFAULT, UNCONFINED, LOCALHOST = range(3)
MERGE, STRICT = range(2)


def _context(**fields: Any) -> dict[str, Any]:
    return {"security_context": {"namespace_options": {"pid": CONTAINER}, **fields}}


def _status_line(container: Container, name: str) -> str:
    lines = container.sh("cat /proc/1/status").splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(f"{name}:"))


def _capabilities(container: Container, kind: str = "CapEff") -> set[int]:
    mask = int(_status_line(container, kind), 16)
    return {number for number in range(64) if mask >> number & 1}


@each_handler
def test_user_and_groups_by_number(pods: Pods) -> None:
    fields = {"run_as_user": {"value": 1000}, "run_as_group": {"value": 2000}, "supplemental_groups": [3000, 4000]}
    container = pods.run().start(linux=_context(**fields))
    assert container.sh("id -u; id -g").split() == ["1000", "2000"]
    assert set(_status_line(container, "Groups").split()) >= {"3000", "4000"}
    user = container.status().user.linux
    assert (user.uid, user.gid) == (1000, 2000)
    assert {3000, 4000} <= set(user.supplemental_groups)


def test_user_by_name_of_the_image(pods: Pods) -> None:
    container = pods.run().start(linux=_context(run_as_username="nobody"))
    assert container.sh("id -un") == "nobody"


def test_an_unknown_user_is_named(pods: Pods) -> None:
    with refused("INVALID_ARGUMENT", "nosuchuser"):
        pods.run().start(linux=_context(run_as_username="nosuchuser"))


@each_handler
def test_the_default_capabilities_are_few(pods: Pods) -> None:
    assert _capabilities(pods.run().start()) == DEFAULT


def test_capabilities_are_added_and_dropped(pods: Pods) -> None:
    change = {"add_capabilities": ["NET_RAW"], "drop_capabilities": ["CHOWN"]}
    have = _capabilities(pods.run().start(linux=_context(capabilities=change)))
    assert NET_RAW in have
    assert CHOWN not in have


def test_all_capabilities_may_be_dropped(pods: Pods) -> None:
    dropped = pods.run().start(linux=_context(capabilities={"drop_capabilities": ["ALL"]}))
    assert _capabilities(dropped) == set()
    assert _capabilities(dropped, "CapBnd") == set()


def test_an_unknown_capability_is_named(pods: Pods) -> None:
    with refused("INVALID_ARGUMENT", "FLY"):
        pods.run().start(linux=_context(capabilities={"add_capabilities": ["FLY"]}))


def test_users_other_than_root_have_none_in_effect(pods: Pods) -> None:
    container = pods.run().start(linux=_context(run_as_user={"value": 1000}))
    assert _capabilities(container) == set()


@each_handler
def test_seccomp_default_and_unconfined(pods: Pods) -> None:
    pod = pods.run()
    confined = pod.start(linux=_context(seccomp={"profile_type": RUNTIME_DEFAULT}))
    assert _status_line(confined, "Seccomp") == "2"
    assert confined.exec("busybox", "unshare", "-U", "true").exit_code != 0
    free = pod.start(linux=_context(seccomp={"profile_type": UNCONFINED}))
    assert _status_line(free, "Seccomp") == "0"


def test_seccomp_profile_of_the_node(pods: Pods, tmp_path: Path) -> None:
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}
    profile = tmp_path / "no-mkdir.json"
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}))
    seccomp = {"profile_type": LOCALHOST, "localhost_ref": str(profile)}
    container = pods.run().start(linux=_context(seccomp=seccomp))
    assert container.exec("mkdir", "/here").exit_code != 0
    assert container.exec("touch", "/here").exit_code == 0


@pytest.mark.parametrize("content", [None, "{ not json"])
def test_a_bad_seccomp_profile_is_named(pods: Pods, tmp_path: Path, content: str | None) -> None:
    profile = tmp_path / "profile.json"
    if content is not None:
        profile.write_text(content)
    with refused("INVALID_ARGUMENT", str(profile)):
        pods.run().start(linux=_context(seccomp={"profile_type": LOCALHOST, "localhost_ref": str(profile)}))


@each_handler
def test_a_read_only_root(pods: Pods) -> None:
    container = pods.run().start(linux=_context(readonly_rootfs=True))
    assert container.exec("touch", "/file").exit_code != 0
    assert container.exec("touch", "/dev/shm/file").exit_code == 0


@each_handler
def test_no_new_privileges(pods: Pods) -> None:
    pod = pods.run()
    assert _status_line(pod.start(linux=_context(no_new_privs=True)), "NoNewPrivs") == "1"
    assert _status_line(pod.start(linux=_context(no_new_privs=False)), "NoNewPrivs") == "0"


def test_masked_and_read_only_paths(pods: Pods) -> None:
    fields = {"masked_paths": ["/proc/timer_list", "/etc/passwd"], "readonly_paths": ["/proc/sys"]}
    container = pods.run().start(linux=_context(**fields))
    assert container.sh("cat /etc/passwd") == ""
    assert container.exec("sh", "-c", "echo x > /proc/sys/kernel/domainname").exit_code != 0


@each_handler
def test_privileged(pods: Pods) -> None:
    linux = _context(privileged=True)
    container = pods.run(linux=linux).start(linux=linux)
    mine = int(next(line for line in Path("/proc/self/status").read_text().splitlines() if "CapEff" in line)[7:], 16)
    assert _capabilities(container) == {number for number in range(64) if mine >> number & 1}
    assert _status_line(container, "Seccomp") == "0"
    assert container.exec("sh", "-c", "mkdir /m && mount -t tmpfs none /m").exit_code == 0
    assert container.exec("test", "-c", "/dev/full").exit_code == 0


def test_a_privileged_container_needs_a_privileged_pod(pods: Pods) -> None:
    with refused("INVALID_ARGUMENT", "privileged"):
        pods.run().create(linux=_context(privileged=True))


@each_handler
@pytest.mark.parametrize(("policy", "groups"), [(MERGE, {1000, 2000, 4000}), (STRICT, {1000, 4000})])
def test_groups_of_the_image_are_merged_or_not(pods: Pods, policy: int, groups: set[int]) -> None:
    """KEP-3619: the image's /etc/group adds 2000 to its user "web"."""
    fields = {"run_as_user": {"value": 1000}, "run_as_group": {"value": 1000}, "supplemental_groups": [4000]}
    container = pods.run().start(linux=_context(**fields, supplemental_groups_policy=policy))
    assert set(map(int, container.sh("id -G").split())) == groups
    user = container.status().user.linux
    assert (user.uid, user.gid, set(user.supplemental_groups)) == (1000, 1000, groups)


@each_handler
def test_ambient_capabilities_outlive_the_change_of_user(pods: Pods) -> None:
    change = {"drop_capabilities": ["ALL"], "add_ambient_capabilities": ["NET_BIND_SERVICE"]}
    container = pods.run().start(linux=_context(run_as_user={"value": 1000}, capabilities=change))
    assert _capabilities(container) == _capabilities(container, "CapAmb") == {10}


@each_handler
def test_the_seccomp_default_follows_the_capabilities(pods: Pods) -> None:
    seccomp, pod = {"profile_type": RUNTIME_DEFAULT}, pods.run()
    able = pod.start(linux=_context(seccomp=seccomp, capabilities={"add_capabilities": ["SYS_ADMIN"]}))
    assert able.exec("busybox", "unshare", "-u", "true").exit_code == 0
    unable = pod.start(linux=_context(seccomp=seccomp))
    assert unable.exec("busybox", "unshare", "-u", "true").exit_code != 0


@each_handler
def test_an_unmasked_proc(pods: Pods) -> None:
    """procMount: the kubelet leaves both lists empty for Unmasked."""
    hidden, pod = {"masked_paths": ["/proc/timer_list"], "readonly_paths": ["/proc/irq"]}, pods.run()
    assert (
        pod.start(linux=_context(**hidden)).sh("head -c 1 /proc/timer_list; grep -c ' /proc/irq ' /proc/mounts") == "1"
    )
    assert pod.start(linux=_context()).sh("head -c 1 /proc/timer_list; grep ' /proc/irq ' /proc/mounts || true") != ""


@ours("peers leave SELinux options out where there is no SELinux")
@pytest.mark.skipif(Path("/sys/fs/selinux/enforce").exists(), reason="this kernel has SELinux")
def test_an_selinux_confinement_is_refused_where_nobody_confines(pods: Pods) -> None:
    confined = {"selinux_options": {"type": "container_t", "level": "s0:c1,c2"}}
    with refused("UNIMPLEMENTED", "SELinux type 'container_t' (selinux_options) cannot be applied"):
        pods.run().create(linux=_context(**confined))
    with refused("UNIMPLEMENTED", "this kernel has no SELinux"):
        pods.run(linux={"security_context": confined})
    for options in ({"level": "s0:c1,c2"}, {"type": "spc_t", "level": "s0"}):
        assert pods.run().start(linux=_context(selinux_options=options)).sh("echo runs") == "runs"


def test_profiles_that_the_kernel_cannot_apply(pods: Pods) -> None:
    """An AppArmor profile by name is never left out; a default may mean nothing here."""
    apparmor = Path("/sys/module/apparmor/parameters/enabled")
    kind = "INVALID_ARGUMENT" if apparmor.exists() and apparmor.read_text().startswith("Y") else "UNIMPLEMENTED"
    with refused(kind, "AppArmor profile 'no-such-profile'"):
        pods.run().create(linux=_context(apparmor={"profile_type": LOCALHOST, "localhost_ref": "no-such-profile"}))
    for profile in (RUNTIME_DEFAULT, UNCONFINED):
        assert pods.run().start(linux=_context(apparmor={"profile_type": profile})).sh("echo runs") == "runs"
