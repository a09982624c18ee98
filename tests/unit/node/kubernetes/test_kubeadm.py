"""What kubeadm init and join read, and the RuntimeClass objects beside it."""

from typing import Any

import pytest
import yaml

from orlop.model.errors import InvalidArgument
from orlop.node import lock
from orlop.node.declaring import declare
from orlop.node.render import RenderedFile, render

TOKEN = "abcdef.0123456789abcdef"
HASH = f"sha256:{'a' * 64}"
JOIN = {"token": TOKEN, "ca_cert_hashes": [HASH]}
CLUSTER = {"endpoint": "k8s.test:6443"}


def files(data: dict[str, Any]) -> dict[str, RenderedFile]:
    return {file.path.rpartition("/")[2]: file for file in render(declare(data))}


def documents(name: str, data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {found["kind"]: found for found in yaml.safe_load_all(files(data)[name].content)}


@pytest.mark.parametrize("minor", sorted(lock.load().kubernetes))
def test_the_first_control_plane_makes_the_cluster(minor: str) -> None:
    found = documents("kubeadm-init.yaml", {"kubernetes": minor, "member": {"role": "control_plane"}})
    assert list(found) == [
        "InitConfiguration",
        "ClusterConfiguration",
        "KubeletConfiguration",
        "KubeProxyConfiguration",
    ]
    assert found["InitConfiguration"]["apiVersion"] == "kubeadm.k8s.io/v1beta4"
    assert found["InitConfiguration"]["nodeRegistration"] == {"criSocket": "unix:///run/orlop/orlop.sock"}
    assert found["ClusterConfiguration"]["kubernetesVersion"] == f"v{lock.release(minor).patch}"
    assert found["KubeProxyConfiguration"]["mode"] == "iptables"
    assert found["KubeletConfiguration"]["cgroupDriver"] == "systemd"


def test_what_was_declared_arrives() -> None:
    member = {
        "role": "control_plane",
        "node_name": "a",
        "node_ips": ["10.0.0.1", "fd00::1"],
        "labels": {"z": "1", "a": ""},
    }
    cluster = {
        **CLUSTER,
        "pod_cidrs": ["10.244.0.0/16", "fd01::/48"],
        "api_server": {"b": "2", "a": "1"},
        "cert_sans": ["x"],
        "etcd": {"quota-backend-bytes": "1"},
        "feature_gates": {"G": True},
        "image_repository": "mirror",
    }
    found = documents("kubeadm-init.yaml", {"member": {**member, "advertise_address": "10.0.0.1"}, "cluster": cluster})
    registration = found["InitConfiguration"]["nodeRegistration"]
    assert registration["name"] == "a"
    assert registration["kubeletExtraArgs"] == [
        {"name": "node-ip", "value": "10.0.0.1,fd00::1"},
        {"name": "node-labels", "value": "a=,z=1"},
    ]
    assert found["InitConfiguration"]["localAPIEndpoint"] == {"advertiseAddress": "10.0.0.1", "bindPort": 6443}
    configuration = found["ClusterConfiguration"]
    assert configuration["networking"]["podSubnet"] == "10.244.0.0/16,fd01::/48"
    assert configuration["apiServer"] == {
        "certSANs": ["x"],
        "extraArgs": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}],
    }
    assert configuration["etcd"]["local"]["extraArgs"] == [{"name": "quota-backend-bytes", "value": "1"}]
    assert (configuration["featureGates"], configuration["imageRepository"]) == ({"G": True}, "mirror")


@pytest.mark.parametrize(
    ("said", "taints"),
    [(None, None), ([], []), (["a=b:NoExecute"], [{"key": "a", "value": "b", "effect": "NoExecute"}])],
)
def test_taints_are_kubeadms_own_unless_said(said: Any, taints: Any) -> None:
    found = documents("kubeadm-init.yaml", {"member": {"role": "control_plane", "taints": said}})
    assert found["InitConfiguration"]["nodeRegistration"].get("taints") == taints


def test_cgroup_v1_is_allowed_for_kubeadm_and_kubelets_only_where_it_is_said() -> None:
    member = {"role": "control_plane"}
    found = documents("kubeadm-init.yaml", {"member": member, "kubelet": {"failCgroupV1": False}})
    assert found["InitConfiguration"]["nodeRegistration"]["ignorePreflightErrors"] == ["SystemVerification"]
    assert found["KubeletConfiguration"]["failCgroupV1"] is False
    assert "failCgroupV1" not in documents("kubeadm-init.yaml", {"member": member})["KubeletConfiguration"]


def test_without_a_proxy_kubeadm_installs_none() -> None:
    found = documents("kubeadm-init.yaml", {"member": {"role": "control_plane"}, "cluster": {"proxy_mode": "none"}})
    assert found["InitConfiguration"]["skipPhases"] == ["addon/kube-proxy"]
    assert "KubeProxyConfiguration" not in found


def test_a_worker_joins_by_token() -> None:
    found = files({"member": {"role": "worker", **JOIN}, "cluster": CLUSTER})
    file = found["kubeadm-join.yaml"]
    assert (file.mode, file.secret, file.part) == ("0600", True, "worker")
    document = yaml.safe_load(file.content)
    assert document["discovery"]["bootstrapToken"] == {
        "token": TOKEN,
        "apiServerEndpoint": "k8s.test:6443",
        "caCertHashes": [HASH],
    }
    assert "controlPlane" not in document and "runtime-classes.yaml" not in found


def test_a_worker_joins_by_a_file_that_holds_the_secret() -> None:
    file = files({"member": {"role": "worker", "discovery_file": "/run/d.conf"}})["kubeadm-join.yaml"]
    assert (file.mode, file.secret) == ("0644", False)
    assert yaml.safe_load(file.content)["discovery"] == {"file": {"kubeConfigPath": "/run/d.conf"}}


def test_another_control_plane_joins() -> None:
    member = {"role": "control_plane", "first": False, "bind_port": 7443, "certificate_key": "0" * 64, **JOIN}
    found = files({"member": member, "cluster": CLUSTER})
    assert "kubeadm-init.yaml" not in found and found["kubeadm-join.yaml"].part == "control_plane"
    document = yaml.safe_load(found["kubeadm-join.yaml"].content)
    assert document["controlPlane"] == {"localAPIEndpoint": {"bindPort": 7443}, "certificateKey": "0" * 64}


def test_a_secret_that_is_made_for_the_join_is_in_no_file() -> None:
    assert "kubeadm-join.yaml" not in files({"member": {"role": "worker"}})
    assert "kubeadm-join.yaml" not in files({"member": {"role": "control_plane", "first": False}})


def test_kubeadm_waits_as_long_as_was_said() -> None:
    timeouts = {"controlPlaneComponentHealthCheck": "10m", "tlsBootstrap": "1m30s"}
    found = documents("kubeadm-init.yaml", {"member": {"role": "control_plane", "timeouts": timeouts}})
    assert found["InitConfiguration"]["timeouts"] == timeouts
    member = {"role": "worker", "discovery_file": "/x", "timeouts": timeouts}
    assert documents("kubeadm-join.yaml", {"member": member})["JoinConfiguration"]["timeouts"] == timeouts


def test_each_handler_has_a_runtime_class() -> None:
    data = {"member": {"role": "control_plane"}, "handlers": {"runc": {}, "kata": {"type": "shim", "path": "/k"}}}
    classes = list(yaml.safe_load_all(files(data)["runtime-classes.yaml"].content))
    assert [(found["metadata"]["name"], found["handler"]) for found in classes] == [("kata", "kata"), ("runc", "runc")]


@pytest.mark.parametrize(
    ("member", "cluster", "told"),
    [
        ({"role": "worker", "timeouts": {"discovry": "5m"}}, {}, "member.timeouts"),
        (
            {"role": "worker", "discovery_file": "/x", **JOIN},
            CLUSTER,
            "by token or by discovery_file, not by both",
        ),
        ({"role": "worker", **JOIN}, {}, "member.token: goes with cluster.endpoint"),
        ({"role": "worker", "discovery_file": "/x", "ca_cert_hashes": [HASH]}, {}, "member.ca_cert_hashes"),
        ({"role": "control_plane", "ca_cert_hashes": [HASH]}, {}, "are for joining"),
        ({"role": "control_plane", "advertise_address": "here"}, {}, "member.advertise_address: 'here'"),
        ({"role": "control_plane", "node_ips": ["1.2.3"]}, {}, "member.node_ips: '1.2.3'"),
        ({"role": "control_plane", "token": "x"}, {}, "member.token"),
        ({"role": "control_plane", "taints": ["a"]}, {}, "member.taints"),
        ({"role": "control-plane"}, {}, "member.role: must be one of none, control_plane, worker, not 'control-plane'"),
        ({"role": "worker", "labls": {}}, {}, "member.labls: there is no such key; did you mean labels?"),
        ({"role": "control_plane"}, {"pod_cidrs": ["10.0.0.0/8", "11.0.0.0/8"]}, "cluster.pod_cidrs: give one network"),
        ({"role": "control_plane"}, {"service_cidrs": []}, "cluster.service_cidrs: give one network"),
        ({"role": "control_plane"}, {"endpoint": "http://x"}, "cluster.endpoint"),
        ({"role": "control_plane"}, {"proxy": {"mode": "ipvs"}}, "cluster.proxy.mode: follows from the declaration"),
        ({"role": "control_plane"}, {"proxy": {"a": 1}, "proxy_mode": "none"}, "cluster.proxy: says nothing"),
        (
            {"role": "control_plane"},
            {"proxymode": "x"},
            "cluster.proxymode: there is no such key; did you mean proxy_mode?",
        ),
    ],
)
def test_mistakes_are_named_with_their_place(member: dict[str, Any], cluster: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        declare({"member": member, "cluster": cluster})
    assert told in str(caught.value)


def test_the_proxys_own_settings_go_with_its_mode() -> None:
    cluster = {"proxy_mode": "nftables", "proxy": {"conntrack": {"min": 0, "maxPerCore": 0}}}
    found = documents("kubeadm-init.yaml", {"member": {"role": "control_plane"}, "cluster": cluster})
    proxy = found["KubeProxyConfiguration"]
    assert (proxy["mode"], proxy["conntrack"]) == ("nftables", {"maxPerCore": 0, "min": 0})
