"""The conflist of a declared network. Which file it goes to is in render; running plugins is engine.cni's."""

from ipaddress import ip_network
from typing import Any

from orlop.node.declaration import Bridge

CNI_VERSION = "1.0.0"
"""The newest that Debian 12's plugins (1.1.1) know."""


def conflist(network: Bridge) -> dict[str, Any]:
    """The chain: bridge with host-local addresses, then what was asked for."""
    plugins = [_bridge(network)]
    if network.host_ports:
        plugins.append({"type": "portmap", "capabilities": {"portMappings": True}})
    if network.firewall:
        plugins.append({"type": "firewall"})
    return {"cniVersion": CNI_VERSION, "name": network.name, "plugins": plugins}


def _bridge(network: Bridge) -> dict[str, Any]:
    plugin: dict[str, Any] = {
        "type": "bridge",
        "bridge": network.interface,
        "isGateway": True,
        "ipMasq": network.masquerade,
        # A pod must reach itself through the address of its own Service.
        "hairpinMode": True,
    }
    if network.mtu:
        plugin["mtu"] = network.mtu
    plugin["ipam"] = {
        "type": "host-local",
        "ranges": [[{"subnet": cidr}] for cidr in network.pod_cidrs],
        "routes": [{"dst": _everywhere(cidr)} for cidr in network.pod_cidrs],
    }
    return plugin


def _everywhere(cidr: str) -> str:
    return "0.0.0.0/0" if ip_network(cidr).version == 4 else "::/0"
