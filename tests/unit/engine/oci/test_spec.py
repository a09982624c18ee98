"""The whole config.json, and the process.json of a command inside."""

import dataclasses
import json
import os
import stat
from pathlib import Path

import msgspec
import pytest

from orlop.engine.oci.inputs import ResolvedDevice
from orlop.engine.oci.spec import build_spec, exec_process, exec_process_of, write_config
from orlop.model.errors import InvalidArgument
from orlop.model.resources import LinuxContainerResources
from tests.unit.engine.oci.samples import inputs

KVM = ResolvedDevice(path="/dev/kvm", kind="c", major=10, minor=232, mode=0o660, gid=36, access="rw")
FILTER = {"defaultAction": "SCMP_ACT_ALLOW"}


def test_top_level() -> None:
    spec = build_spec(inputs(context={"readonly_rootfs": True}))
    assert spec["ociVersion"].startswith("1.0")
    assert spec["root"] == {"path": "/rootfs", "readonly": True}
    assert spec["linux"]["cgroupsPath"] == "/pods/c"
    # The hostname is set where the namespace is pinned.
    assert "hostname" not in spec
    assert "sysctl" not in spec["linux"]


def test_the_sandbox_is_told_its_name_for_a_kernel_of_its_own() -> None:
    plain = inputs()
    namespaces = msgspec.structs.replace(plain.pod.namespaces, uts="/run/ns/uts")
    pod = msgspec.structs.replace(plain.pod, namespaces=namespaces)
    born = dataclasses.replace(plain, pod=pod, infra=True, sandbox_id="s" * 64)
    assert build_spec(born)["hostname"] == "web"
    assert "hostname" not in build_spec(dataclasses.replace(born, infra=False))
    in_the_nodes = msgspec.structs.replace(pod, namespaces=msgspec.structs.replace(namespaces, uts=""))
    assert "hostname" not in build_spec(dataclasses.replace(born, pod=in_the_nodes))


def test_annotations_tell_who_it_is_and_nothing_of_the_pods_own() -> None:
    assert build_spec(inputs())["annotations"] == {
        "io.kubernetes.cri.container-type": "container",
        "io.kubernetes.cri.sandbox-id": "p" * 64,
        "io.kubernetes.cri.sandbox-name": "web",
        "io.kubernetes.cri.sandbox-namespace": "shop",
        "io.kubernetes.cri.sandbox-uid": "u-1",
        "io.kubernetes.cri.container-name": "nginx",
        "io.kubernetes.cri.image-name": "nginx:1",
    }


def test_devices_are_denied_but_for_those_listed() -> None:
    linux = build_spec(inputs(devices=(KVM,)))["linux"]
    assert linux["devices"][0] == {
        "path": "/dev/kvm", "type": "c", "major": 10, "minor": 232, "fileMode": 0o660, "uid": 0, "gid": 36
    }  # fmt: skip
    assert linux["resources"]["devices"] == [
        {"allow": False, "access": "rwm"},
        {"allow": True, "type": "c", "major": 10, "minor": 232, "access": "rw"},
    ]


def test_privileged_has_all_devices_and_no_filter() -> None:
    linux = build_spec(inputs(context={"privileged": True, "masked_paths": ("/x",)}, seccomp=FILTER))["linux"]
    assert linux["resources"]["devices"] == [{"allow": True, "access": "rwm"}]
    assert linux.keys().isdisjoint(("seccomp", "maskedPaths", "readonlyPaths"))


def test_privileged_without_host_devices() -> None:
    changed = inputs(context={"privileged": True}, settings={"privileged_without_host_devices": True})
    assert build_spec(changed)["linux"]["resources"]["devices"] == [{"allow": False, "access": "rwm"}]


def test_limits_and_filter_are_in_place() -> None:
    resources = LinuxContainerResources(cpu_shares=2)
    linux = build_spec(inputs(seccomp=FILTER, resources=resources, settings={"pids_limit": 9}))["linux"]
    assert linux["seccomp"] is FILTER
    assert linux["resources"]["cpu"] == {"shares": 2}
    assert linux["resources"]["pids"] == {"limit": 9}


def test_written_whole_and_for_root_only(tmp_path: Path) -> None:
    write_config(str(tmp_path), build_spec(inputs()))
    path = tmp_path / "config.json"
    assert json.loads(path.read_text())["process"]["args"] == ["/bin/true"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["config.json"]


def test_what_is_not_unicode_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="not Unicode"):
        write_config(str(tmp_path), build_spec(inputs(config={"command": ("\udcff",)})))
    assert os.listdir(tmp_path) == []


def test_a_command_inside_is_like_the_first_process(tmp_path: Path) -> None:
    write_config(str(tmp_path), build_spec(inputs(context={"no_new_privs": True})))
    process = exec_process_of(str(tmp_path), ("ls", "-l"))
    assert process["args"] == ["ls", "-l"]
    assert (process["user"]["uid"], process["noNewPrivileges"], process["terminal"]) == (1, True, False)
    assert process["capabilities"]["bounding"] == ["CAP_CHOWN", "CAP_KILL"]


def test_a_terminal_has_a_type() -> None:
    process = {"env": ["A=1"], "args": ["x"], "consoleSize": {"width": 1, "height": 1}}
    assert exec_process(process, ("sh",), terminal=True) == {
        "env": ["A=1", "TERM=xterm"],
        "args": ["sh"],
        "terminal": True,
    }
    assert exec_process({"env": ["TERM=vt100"]}, ("sh",), terminal=True)["env"] == ["TERM=vt100"]
    assert process["env"] == ["A=1"]
    with pytest.raises(InvalidArgument):
        exec_process(process, ())
