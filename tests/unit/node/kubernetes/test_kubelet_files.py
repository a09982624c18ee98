"""What the kubelet of a member reads."""

from typing import Any

import msgspec
import pytest
import yaml

from orlop.model.errors import InvalidArgument
from orlop.node.declaring import declare
from orlop.node.kubernetes.kubelet import DERIVED, SINCE, Kubelet
from orlop.node.render import render

PLACE = "/etc/kubernetes/kubelet.conf.d/10-orlop.conf"
FILE = {"role": "worker", "discovery_file": "/etc/discovery.conf"}


def content(path: str, data: dict[str, Any]) -> str:
    return next(file.content for file in render(declare(data)) if file.path == path)


def configuration(kubelet: dict[str, Any], **more: Any) -> dict[str, Any]:
    return dict(yaml.safe_load(content(PLACE, {"member": FILE, "kubelet": kubelet, **more})))


def test_a_node_that_is_no_member_gets_no_file_of_the_kubelet() -> None:
    assert [file.path for file in render(declare({})) if "kube" in file.path] == []


def test_the_kubelet_finds_the_daemon_and_follows_its_driver() -> None:
    daemon = {"daemon": {"socket": "/run/x.sock"}, "cgroup": {"driver": "cgroupfs"}}
    assert configuration({}, daemon=daemon) == {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "cgroupfs",
        "containerRuntimeEndpoint": "unix:///run/x.sock",
    }
    assert configuration({})["cgroupDriver"] == "systemd"


def test_only_what_was_declared_is_said() -> None:
    said = {"maxPods": 7, "evictionHard": {}, "authentication": {"webhook": {"enabled": False}, "x509": {}}}
    found = configuration({**said, "seccompDefault": None})
    assert found["authentication"] == {"webhook": {"enabled": False}}
    assert (found["maxPods"], found["evictionHard"]) == (7, {})
    assert "seccompDefault" not in found and "memorySwap" not in found


@pytest.mark.parametrize("said", [True, False, None])
def test_cgroup_v1_is_allowed_only_where_it_is_said(said: bool | None) -> None:
    assert configuration({"failCgroupV1": said}).get("failCgroupV1") is said


def test_the_unit_is_what_kubeadm_starts() -> None:
    drop_in = content("/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", {"member": FILE})
    assert "ExecStart=\nExecStart=/usr/bin/kubelet " in drop_in
    for word in ("/var/lib/kubelet/config.yaml", "kubeadm-flags.env", "bootstrap-kubelet.conf", "$KUBELET_EXTRA_ARGS"):
        assert word in drop_in
    assert "--pod-infra-container-image" not in drop_in  # a kubelet of 1.35 does not start with it
    (command,) = [line for line in drop_in.splitlines() if "--config-dir" in line]
    assert PLACE.rpartition("/")[0] in command


def test_a_typo_is_told_with_the_nearest_name() -> None:
    with pytest.raises(InvalidArgument, match=r"kubelet\.maxPod: there is no such key; did you mean maxPods\?"):
        declare({"member": FILE, "kubelet": {"maxPod": 1}})
    with pytest.raises(InvalidArgument, match=r"authentication\.webhok: there is no such key; did you mean webhook\?"):
        declare({"member": FILE, "kubelet": {"authentication": {"webhok": {}}}})


@pytest.mark.parametrize("name", sorted(DERIVED))
def test_what_follows_from_the_rest_has_another_place(name: str) -> None:
    assert name not in {field.name for field in msgspec.structs.fields(Kubelet)}
    with pytest.raises(InvalidArgument, match=rf"kubelet\.{name}: "):
        declare({"member": FILE, "kubelet": {name: "x"}})


def test_a_field_is_refused_before_its_minor() -> None:
    assert set(SINCE) <= {field.name for field in msgspec.structs.fields(Kubelet)}
    sysctls = {"member": FILE, "kubelet": {"defaultPodSysctls": {"a.b": "1"}}}
    assert declare({**sysctls, "kubernetes": "1.37"})
    with pytest.raises(InvalidArgument, match=r"no such field before 1\.37, and the node is for 1\.36"):
        declare({**sysctls, "kubernetes": "1.36"})


@pytest.mark.parametrize(
    ("kubelet", "told"),
    [
        ({"maxParallelImagePulls": 3}, "needs serializeImagePulls to be false"),
        ({"syncFrequency": "1 minute"}, "kubelet.syncFrequency"),
        ({"maxPods": "many"}, "kubelet.maxPods: expected int"),
        ({"hairpinMode": "x"}, "kubelet.hairpinMode"),
    ],
)
def test_wrong_values_are_refused(kubelet: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        declare({"member": FILE, "kubelet": kubelet})
    assert told in str(caught.value)


def test_settings_without_a_member_are_refused() -> None:
    for name, value in (("kubelet", {"maxPods": 1}), ("cluster", {"name": "x"})):
        with pytest.raises(InvalidArgument, match=rf"{name}: says nothing to a node that is no member"):
            declare({name: value})
