"""Cilium: the values for its Helm chart. The agent itself writes the conflist, once it can serve pods.

Source: the chart's own values.yaml of 1.20. The agent mounts /sys/fs/bpf and a cgroup2 where there is none.
"""

from ipaddress import ip_network
from typing import Any

from orlop.node.networks.providers import Cilium

CONFLIST = "05-cilium.conflist"
PLUGINS = ("loopback",)
"""That must be on the node; cilium-cni is installed by the agent."""
PORTS = {"agent health": "9879/tcp", "operator health": "9234/tcp", "envoy": "9878/tcp", "peers": "4244/tcp"}
"""Of the node, beside the tunnel's."""


def values(
    network: Cilium, *, endpoint: str, replaces_proxy: bool, bin_dir: str, conf_dir: str, sandboxes: bool
) -> dict[str, Any]:
    """The chart's values. `sandboxes`: pods may run in virtual machines, whose sockets the node's kernel has not."""
    families: dict[int, str] = {ip_network(cidr).version: cidr for cidr in network.pod_cidrs}
    tunnel = network.routing != "native"
    document: dict[str, Any] = {
        "cni": {
            "install": True,
            "exclusive": network.exclusive,
            "binPath": bin_dir,
            "confPath": conf_dir,
        },
        "kubeProxyReplacement": replaces_proxy,
        "ipam": {"mode": "cluster-pool", "operator": _pools(network, families)},
        "ipv4": {"enabled": 4 in families},
        "ipv6": {"enabled": 6 in families},
        "routingMode": "tunnel" if tunnel else "native",
        "operator": {"replicas": network.operators},
        "bpf": {"autoMount": {"enabled": True}, "root": "/sys/fs/bpf"},
        "cgroup": {"autoMount": {"enabled": True}, "hostRoot": "/run/cilium/cgroupv2"},
    }
    if tunnel:
        document |= {"tunnelProtocol": network.routing, "tunnelPort": network.port}
    elif 4 in families:
        document["ipv4NativeRoutingCIDR"] = families[4]
    if replaces_proxy:
        # Without kube-proxy the API server's Service does not work before Cilium does.
        host, _, port = endpoint.rpartition(":")
        document |= {"k8sServiceHost": host.strip("[]"), "k8sServicePort": int(port)}
    if sandboxes:
        document["socketLB"] = {"hostNamespaceOnly": True}
    return document


def _pools(network: Cilium, families: dict[int, str]) -> dict[str, Any]:
    pools: dict[str, Any] = {}
    if 4 in families:
        pools |= {"clusterPoolIPv4PodCIDRList": [families[4]], "clusterPoolIPv4MaskSize": network.node_mask}
    if 6 in families:
        pools |= {"clusterPoolIPv6PodCIDRList": [families[6]], "clusterPoolIPv6MaskSize": network.node_mask6}
    return pools
