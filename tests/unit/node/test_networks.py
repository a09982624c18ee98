"""Networks with agents of their own: what the cluster is given, what the node needs, and what does not fit together."""

import json
from typing import Any

import pytest
import yaml

from orlop.engine.cni.conflist import parse
from orlop.model.errors import InvalidArgument
from orlop.node import lock
from orlop.node.declaring import declare
from orlop.node.networks.files import DIRECTORY
from orlop.node.plan import plan
from orlop.node.render import render
from tests.lint.tools import ROOT

PROVIDERS: dict[str, dict[str, Any]] = {
    "flannel": {"provider": "flannel"},
    "cilium": {"provider": "cilium"},
    "weave": {"provider": "weave", "unmaintained": True},
}


def document(network: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """The file of a network, parsed."""
    files = {file.path: file for file in render(declare({"network": network, **more}))}
    return list(yaml.safe_load_all(files[f"{DIRECTORY}/{network['provider']}.yaml"].content))


def of_kind(documents: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [item for item in documents if item["kind"] == kind]
    return found


def agent(documents: list[dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = of_kind(documents, "DaemonSet")["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize(
    ("network", "part", "module"),
    [
        ("flannel", "flannel", "github.com/flannel-io/flannel"),
        ("cilium", "cilium-cni", "github.com/cilium/cilium"),
    ],
)
def test_what_nodes_get_is_what_is_tested(network: str, part: str, module: str) -> None:
    """The integration tests build the lock file's version: its other versions were never run."""
    text = (ROOT / "tests/parts" / part / "go.mod").read_text()
    (built,) = [line.split()[1] for line in text.splitlines() if line.split()[:1] == [module]]
    assert {lock.release(minor).networks[network] for minor in lock.load().kubernetes} == {built.removeprefix("v")}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_worker_has_no_file_of_the_clusters(provider: str) -> None:
    member = {"role": "worker", "discovery_file": "/etc/kubernetes/discovery.conf"}
    found = plan(declare({"network": PROVIDERS[provider], "member": member, "cluster": {"endpoint": "api:6443"}}))
    assert found.files["network"] == []
    assert found.network == provider


@pytest.mark.parametrize("provider", ["flannel", "weave"])
def test_images_are_pinned_and_volumes_are_all_there(provider: str) -> None:
    spec = agent(document(PROVIDERS[provider]))
    versions = lock.release("1.37").networks
    volumes = {volume["name"] for volume in spec["volumes"]}
    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["image"].rpartition(":")[2].removeprefix("v") in versions.values()
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    assert spec["hostNetwork"] and spec["tolerations"] == [{"operator": "Exists"}]


def test_flannels_conflist_is_one_that_the_daemon_takes() -> None:
    documents = document({"provider": "flannel", "mtu": 1400})
    data = of_kind(documents, "ConfigMap")["data"]
    network = parse(data["cni-conf.json"].encode(), "10-flannel.conflist")
    assert (network.name, [plugin.type for plugin in network.plugins]) == ("cbr0", ["flannel", "portmap"])
    assert json.loads(data["cni-conf.json"])["plugins"][0]["delegate"]["mtu"] == 1400
    assert json.loads(data["net-conf.json"])["Backend"] == {"Type": "vxlan", "Port": 8472, "MTU": 1400}
    copies = [container["name"] for container in agent(documents)["initContainers"]]
    assert copies == ["install-plugin", "install-conflist"]


def test_flannel_of_two_families_and_its_rules_kind() -> None:
    cidrs = ["10.7.0.0/16", "fd07::/56"]
    cluster = {"pod_cidrs": cidrs, "proxy_mode": "nftables"}
    documents = document(
        {"provider": "flannel", "pod_cidrs": cidrs, "backend": "host-gw", "interface": "eth1"},
        cluster=cluster, member={"role": "control_plane"},
    )  # fmt: skip
    settings = json.loads(of_kind(documents, "ConfigMap")["data"]["net-conf.json"])
    assert settings == {
        "EnableNFTables": True, "Backend": {"Type": "host-gw"}, "Network": "10.7.0.0/16",
        "EnableIPv6": True, "IPv6Network": "fd07::/56",
    }  # fmt: skip
    assert "--iface=eth1" in agent(documents)["containers"][0]["command"]


def test_ciliums_values() -> None:
    (values,) = document(PROVIDERS["cilium"])
    assert values["cni"] == {
        "install": True,
        "exclusive": True,
        "binPath": "/opt/cni/bin",
        "confPath": "/etc/cni/net.d",
    }
    assert values["kubeProxyReplacement"] is False
    assert values["ipam"]["operator"] == {
        "clusterPoolIPv4PodCIDRList": ["10.244.0.0/16"], "clusterPoolIPv4MaskSize": 24,
    }  # fmt: skip
    assert (values["routingMode"], values["tunnelProtocol"], values["tunnelPort"]) == ("tunnel", "vxlan", 8472)
    assert (values["bpf"]["root"], values["cgroup"]["hostRoot"]) == ("/sys/fs/bpf", "/run/cilium/cgroupv2")


def test_cilium_in_place_of_kube_proxy_knows_the_api_server() -> None:
    cluster = {"proxy_mode": "none", "endpoint": "[fd00::1]:6443"}
    (values,) = document(
        {"provider": "cilium", "routing": "native"}, cluster=cluster, member={"role": "control_plane"},
        handlers={"runc": {}, "kata": {"type": "shim", "path": "/opt/kata/bin/containerd-shim-kata-v2"}},
    )  # fmt: skip
    assert values["kubeProxyReplacement"] is True
    assert (values["k8sServiceHost"], values["k8sServicePort"]) == ("fd00::1", 6443)
    assert values["ipv4NativeRoutingCIDR"] == "10.244.0.0/16"
    assert values["socketLB"] == {"hostNamespaceOnly": True}


@pytest.mark.parametrize(
    ("provider", "conflist", "plugins", "modules"),
    [
        ("flannel", "10-flannel.conflist", ["bridge", "host-local", "loopback", "portmap"], {"vxlan"}),
        ("cilium", "05-cilium.conflist", ["loopback"], {"vxlan"}),
        ("weave", "10-weave.conflist", ["loopback", "portmap"], {"vxlan", "openvswitch"}),
    ],
)
def test_what_the_node_needs(provider: str, conflist: str, plugins: list[str], modules: set[str]) -> None:
    found = plan(declare({"network": PROVIDERS[provider]}))
    assert (found.conflist, found.plugins) == (conflist, plugins)
    assert modules <= set(found.modules)
    assert [file.path for file in found.files["network"]] == [f"{DIRECTORY}/{provider}.yaml"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"network": {"provider": "weave"}}, "network.unmaintained"),
        ({"network": {"provider": "weave", "unmaintained": True, "pod_cidrs": ["fd00::/64"]}}, "IPv4 alone"),
        ({"network": {"provider": "flannel", "pod_cidrs": ["10.0.0.0/33"]}}, "network.pod_cidrs"),
        ({"network": {"provider": "cilium", "pod_cidrs": []}}, "network.pod_cidrs"),
        (
            {
                "network": {"provider": "flannel"},
                "cluster": {"pod_cidrs": ["10.9.0.0/16"]},
                "member": {"role": "control_plane"},
            },
            "must be the same",
        ),
        (
            {
                "network": {"provider": "flannel"},
                "cluster": {"proxy_mode": "none"},
                "member": {"role": "control_plane"},
            },
            "cluster.proxy_mode",
        ),
        (
            {
                "network": {"provider": "cilium"},
                "cluster": {"proxy_mode": "none"},
                "member": {"role": "control_plane"},
            },
            "cluster.endpoint",
        ),
    ],
)
def test_what_does_not_fit_together_is_told(data: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        declare(data)
