"""Ports that a node serves, by its part, its network and what the daemon was told."""

from typing import Any

import pytest

from orlop.node.declaring import declare
from orlop.node.ports import ports
from orlop.node.settings import effective

WORKER = {"role": "worker", "discovery_file": "/etc/kubernetes/discovery.conf"}
CONTROL = {"role": "control_plane", "bind_port": 7443}


def served(**data: Any) -> dict[str, str]:
    declared = declare(data)
    return {port.text: port.source for port in ports(declared, effective(declared))}


def test_a_node_of_no_cluster_serves_nobody() -> None:
    assert served() == {}


def test_a_worker_serves_the_kubelet_and_services() -> None:
    assert served(member=WORKER) == {
        "10250/tcp": "control planes",
        "10256/tcp": "everywhere",
        "30000-32767/tcp": "everywhere",
        "30000-32767/udp": "everywhere",
    }


def test_a_control_plane_serves_more_on_its_own_port() -> None:
    more = served(member=CONTROL).items() - served(member=WORKER).items()
    assert dict(more) == {
        "7443/tcp": "everywhere",
        "2379-2380/tcp": "control planes",
        "10257/tcp": "this machine",
        "10259/tcp": "this machine",
    }


@pytest.mark.parametrize(
    ("network", "wanted"),
    [
        ({"provider": "flannel", "port": 9000}, {"9000/udp"}),
        ({"provider": "flannel", "backend": "wireguard"}, {"51820-51821/udp"}),
        ({"provider": "flannel", "backend": "host-gw"}, set()),
        ({"provider": "cilium"}, {"8472/udp", "4240/tcp", "4244/tcp", "9234/tcp", "9878/tcp", "9879/tcp"}),
        ({"provider": "cilium", "routing": "native"}, {"4240/tcp", "4244/tcp", "9234/tcp", "9878/tcp", "9879/tcp"}),
        ({"provider": "weave", "unmaintained": True}, {"6783/tcp", "6783-6784/udp"}),
        ({"provider": "external"}, set()),
    ],
)
def test_a_network_has_ports_of_its_own(network: dict[str, Any], wanted: set[str]) -> None:
    assert set(served(network=network)) == wanted


def test_without_kube_proxy_nobody_answers_for_its_health() -> None:
    cluster = {"proxy_mode": "none", "endpoint": "k8s.test:6443"}
    assert "10256/tcp" not in served(member=WORKER, cluster=cluster, network={"provider": "cilium"})


@pytest.mark.parametrize(("address", "reached"), [("", False), (":9", False), ("[::1]:9", False), ("0.0.0.0:9", True)])
def test_the_daemons_metrics_where_others_reach_them(address: str, reached: bool) -> None:
    assert ("9/tcp" in served(daemon={"metrics": {"address": address}})) is reached


def test_ports_that_must_be_free_are_those_that_the_node_takes_when_it_joins() -> None:
    declared = declare({"member": CONTROL, "network": {"provider": "flannel"}})
    free = [port.first for port in ports(declared, effective(declared)) if port.free]
    assert free == [2379, 7443, 10250, 10256, 10257, 10259]
