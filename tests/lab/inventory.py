"""What the lab declares of its nodes: an inventory as any user writes it. Pure."""

from collections.abc import Mapping
from typing import Any

from tests.lab.places import API, BRIDGED, FILES, POD_CIDR, SERVICE_CIDR, address, node_name

NETWORKS = ("flannel", "bridge")
SETTINGS = {"ansible_connection": "lab", "ansible_python_interpreter": "/usr/bin/python3"}


def inventory(minor: str, network: str, count: int, versions: Mapping[str, Any], *, planes: int = 1) -> dict[str, Any]:
    """Hosts and their declarations; `versions`: a bundle's description; `planes`: how many are control planes."""
    common = _common(minor, versions, API if planes > 1 else f"{address(1)}:6443")
    hosts = {
        node_name(number): {
            "orlop_node": {
                **common,
                "network": _network(network, number),
                "member": _member(number, planes),
                "kubelet": _kubelet(number),
            }
        }
        for number in range(1, count + 1)
    }
    return {"all": {"hosts": hosts, "vars": dict(SETTINGS)}}


def builder(minor: str, name: str, versions: Mapping[str, Any]) -> dict[str, Any]:
    """The host that makes a bundle for such nodes: what they are is declared of it, and it becomes none of them."""
    nodes = inventory(minor, NETWORKS[0], 1, versions)["all"]["hosts"]
    return {"all": {"hosts": {name: nodes[node_name(1)]}, "vars": dict(SETTINGS)}}


def _network(provider: str, number: int) -> dict[str, Any]:
    if provider == "bridge":
        # Each node has a part of its own; routes between them are made by wire.
        return {"provider": provider, "pod_cidrs": [BRIDGED.format(number)]}
    return {"provider": provider, "pod_cidrs": [POD_CIDR], "interface": "wire0"}


def _common(minor: str, versions: Mapping[str, Any], endpoint: str) -> dict[str, Any]:
    return {
        "kubernetes": minor,
        "artefacts": {
            name: {
                "version": versions["kubernetes"].removeprefix("v"),
                "url": f"http://{FILES}/bin/{name}",
                "sha256": versions["sha256"][name],
            }
            for name in ("kubelet", "kubeadm", "kubectl")
        },
        "cluster": {
            "endpoint": endpoint,
            "pod_cidrs": [POD_CIDR],
            "service_cidrs": [SERVICE_CIDR],
            # A lab node cannot set the machine's own limits of connection tracking.
            "proxy": {"conntrack": {"maxPerCore": 0, "min": 0}},
        },
    }


def _kubelet(number: int) -> dict[str, Any]:
    # A lab node has cgroup v1, as the machine it is made on may have; and it sees the machine's whole disk, of which
    # shares say nothing: what the lab needs is some free space.
    settings: dict[str, Any] = {
        "failCgroupV1": False,
        "evictionHard": {"imagefs.available": "2Gi", "memory.available": "100Mi", "nodefs.available": "2Gi"},
        "imageGCHighThresholdPercent": 100,
    }
    if number > 1:
        # The first node's figures are those of the kubelet's own cAdvisor, the others' come from the CRI.
        settings["featureGates"] = {"PodAndContainerStatsFromCRI": True}
    return settings


def _member(number: int, planes: int) -> dict[str, Any]:
    member: dict[str, Any] = {
        "role": "control_plane" if number <= planes else "worker",
        "node_name": node_name(number),
        "node_ips": [address(number)],
    }
    if number <= planes:
        # Pods of the proofs run on all nodes.
        member |= {"first": number == 1, "advertise_address": address(number), "taints": []}
    return member
