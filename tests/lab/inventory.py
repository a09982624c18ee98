"""What the lab declares of its nodes: an inventory as any user writes it. Pure."""

from collections.abc import Mapping
from typing import Any

from tests.lab.places import FILES, POD_CIDR, SERVICE_CIDR, address, node_name

NETWORKS = ("flannel",)


def inventory(minor: str, network: str, count: int, versions: Mapping[str, Any]) -> dict[str, Any]:
    """Hosts and their declarations; `versions`: a bundle's description."""
    common = _common(minor, network, versions)
    hosts = {
        node_name(number): {"orlop_node": {**common, "member": _member(number), "kubelet": _kubelet(number)}}
        for number in range(1, count + 1)
    }
    settings = {"ansible_connection": "lab", "ansible_python_interpreter": "/usr/bin/python3"}
    return {"all": {"hosts": hosts, "vars": settings}}


def _common(minor: str, network: str, versions: Mapping[str, Any]) -> dict[str, Any]:
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
        "network": {"provider": network, "pod_cidrs": [POD_CIDR], "interface": "wire0"},
        "cluster": {
            "endpoint": f"{address(1)}:6443",
            "pod_cidrs": [POD_CIDR],
            "service_cidrs": [SERVICE_CIDR],
            # A lab node cannot set the machine's own limits of connection tracking.
            "proxy": {"conntrack": {"maxPerCore": 0, "min": 0}},
        },
    }


def _kubelet(number: int) -> dict[str, Any]:
    # A lab node has cgroup v1, as the machine it is made on may have.
    settings: dict[str, Any] = {"failCgroupV1": False}
    if number > 1:
        # The first node's figures are those of the kubelet's own cAdvisor, the others' come from the CRI.
        settings["featureGates"] = {"PodAndContainerStatsFromCRI": True}
    return settings


def _member(number: int) -> dict[str, Any]:
    member: dict[str, Any] = {
        "role": "control_plane" if number == 1 else "worker",
        "node_name": node_name(number),
        "node_ips": [address(number)],
    }
    if number == 1:
        # Pods of the proofs run on both nodes.
        member |= {"advertise_address": address(1), "taints": []}
    return member
