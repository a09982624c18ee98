"""Adjustments carried out on a config.json: every field, removals, and values that would do harm."""

from typing import Any

import pytest

from orlop.engine.nri.adjust import adjusted
from orlop.model.errors import InvalidArgument
from tests.unit.engine.nri.specs import adjustment, spec


def _after(swap: bool = False, **fields: Any) -> dict[str, Any]:
    return adjusted(spec(), adjustment(**fields), "10-x", swap=swap)


def test_nothing_asked_nothing_changed() -> None:
    assert _after() == spec()


def test_the_spec_that_was_given_stays_as_it_is() -> None:
    given = spec()
    adjusted(given, adjustment(env=[{"key": "N", "value": "1"}], linux={"oom_score_adj": {"value": 5}}), "10-x")
    assert given == spec()


def test_environment_is_replaced_in_place_removed_and_added() -> None:
    env = [{"key": "A", "value": "2=3"}, {"key": "-PATH"}, {"key": "-NONE"}, {"key": "NEW", "value": ""}]
    assert _after(env=env)["process"]["env"] == ["A=2=3", "NEW="]


def test_annotations_and_sysctls_are_removed_before_they_are_set() -> None:
    name = "io.kubernetes.cri.container-type"
    part = _after(annotations={f"-{name}": "", "new": "1", "-new": ""}, linux={"sysctl": {"kernel.msgmax": "9"}})
    assert part["annotations"] == {"new": "1"}
    assert part["linux"]["sysctl"] == {"kernel.msgmax": "9"}


def test_a_mount_takes_the_place_of_another_at_its_destination() -> None:
    mount = {"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["ro"]}
    part = _after(mounts=[mount, {"destination": "-/proc"}])
    assert part["mounts"] == [mount]
    assert "rootfsPropagation" not in part["linux"]


def test_a_mounts_propagation_opens_the_root_filesystems() -> None:
    shared = {"destination": "/s", "type": "bind", "source": "/s", "options": ["rbind", "rshared"]}
    slave = {"destination": "/t", "type": "bind", "source": "/t", "options": ["rbind", "rslave"]}
    assert _after(mounts=[slave])["linux"]["rootfsPropagation"] == "rslave"
    assert _after(mounts=[shared, slave])["linux"]["rootfsPropagation"] == "rshared"


def test_arguments_limits_and_hooks() -> None:
    part = _after(
        args=["", "echo", "x"],
        rlimits=[{"type": "RLIMIT_CORE", "soft": 1, "hard": 2}],
        hooks={"poststop": [{"path": "/h", "args": ["h", "1"], "timeout": {"value": 3}}], "create_runtime": []},
    )
    assert part["process"]["args"] == ["echo", "x"]
    assert part["process"]["rlimits"] == [{"type": "RLIMIT_CORE", "hard": 2, "soft": 1}]
    assert part["hooks"] == {"poststop": [{"path": "/h", "args": ["h", "1"], "env": [], "timeout": 3}]}


def test_a_device_comes_with_its_cgroup_rule() -> None:
    device = {"path": "/dev/new", "type": "b", "major": 8, "minor": 0, "uid": {"value": 7}}
    part = _after(linux={"devices": [device, {"path": "-/dev/null0"}]})["linux"]
    assert part["devices"] == [{"path": "/dev/new", "type": "b", "major": 8, "minor": 0, "uid": 7}]
    rule = {"allow": True, "type": "b", "major": 8, "minor": 0, "access": "rwm"}
    assert part["resources"]["devices"] == [{"allow": False, "access": "rwm"}, rule]


def test_what_the_process_runs_with() -> None:
    part = _after(
        linux={
            "oom_score_adj": {"value": 5000},
            "io_priority": {"class": "IOPRIO_CLASS_BE", "priority": 4},
            "scheduler": {"policy": "SCHED_FIFO", "priority": 10, "flags": ["SCHED_FLAG_RESET_ON_FORK"]},
        }
    )["process"]
    assert part["oomScoreAdj"] == 1000
    assert part["ioPriority"] == {"class": "IOPRIO_CLASS_BE", "priority": 4}
    assert part["scheduler"] == {"policy": "SCHED_FIFO", "priority": 10, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}


def test_namespaces_cgroup_and_devices_of_the_network() -> None:
    part = _after(
        linux={
            "namespaces": [{"type": "-network"}, {"type": "pid", "path": "/proc/1/ns/pid"}, {"type": "mount"}],
            "cgroups_path": "/elsewhere",
            "net_devices": {"eth9": {"name": "inner"}, "eth8": {}, "-eth8": {}},
        }
    )["linux"]
    assert part["namespaces"] == [{"type": "pid", "path": "/proc/1/ns/pid"}, {"type": "mount"}]
    assert part["cgroupsPath"] == "/elsewhere"
    assert part["netDevices"] == {"eth9": {"name": "inner"}, "eth8": {}}


def test_seccomp_rdt_and_memory_policy() -> None:
    call = {
        "names": ["mount"],
        "action": "SCMP_ACT_ERRNO",
        "errno_ret": {"value": 1},
        "args": [{"index": 1, "op": "X"}],
    }
    part = _after(
        linux={
            "seccomp_policy": {"default_action": "SCMP_ACT_ALLOW", "syscalls": [call], "architectures": ["A"]},
            "rdt": {"clos_id": {"value": "gold"}, "schemata": {"value": ["L3:0=f"]}, "remove": True},
            "memory_policy": {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]},
        }
    )["linux"]
    rule = {"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
    argument = {"index": 1, "value": 0, "valueTwo": 0, "op": "X"}
    assert part["seccomp"] == {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [rule | {"args": [argument]}],
        "architectures": ["A"],
    }
    assert part["intelRdt"] == {"closID": "gold", "schemata": ["L3:0=f"]}
    assert part["memoryPolicy"] == {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"env": [{"key": "A=B", "value": ""}]}, "env 'A=B' is not the name"),
        ({"env": [{"key": "A", "value": "x\0y"}]}, "holds a NUL byte"),
        ({"mounts": [{"destination": "data", "type": "bind"}]}, "must be an absolute path below the root"),
        ({"mounts": [{"destination": "//"}]}, "must be an absolute path below the root"),
        ({"args": [""]}, "args leave no command"),
        ({"rlimits": [{"type": "RLIMIT_CORE", "soft": 3, "hard": 2}]}, "soft 3 is above hard 2"),
        ({"hooks": {"prestart": [{"path": "h"}]}}, "hook 'h': the path must be absolute"),
        ({"linux": {"devices": [{"path": "/dev/x", "type": "z"}]}}, "device '/dev/x' of type 'z'"),
        ({"linux": {"resources": {"rdt_class": {"value": "gold"}}}}, "rdt_class 'gold': this node has no classes"),
        ({"linux": {"scheduler": {"policy": 99}}}, "99"),
    ],
)
def test_values_that_would_do_harm_are_refused_with_the_plugins_name(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"10-x.*{words}"):
        _after(**fields)


def test_a_limit_of_memory_limits_swap_where_the_node_can() -> None:
    limit = {"resources": {"memory": {"limit": {"value": 1000}}}}
    assert _after(linux=limit)["linux"]["resources"]["memory"] == {"limit": 1000}
    assert _after(swap=True, linux=limit)["linux"]["resources"]["memory"] == {"limit": 1000, "swap": 1000}
    with_swap = {"resources": {"memory": {"limit": {"value": 1000}, "swap": {"value": 3000}}}}
    assert _after(swap=True, linux=with_swap)["linux"]["resources"]["memory"] == {"limit": 1000, "swap": 3000}
