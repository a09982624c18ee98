"""Ports that a node serves, by its part in the cluster and its network: what a firewall must let in. Pure.

Sources: Kubernetes' reference "Ports and Protocols"; flannel's and Cilium's own documentation of their ports.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Literal

import msgspec

from orlop.config.schema import Config
from orlop.node.declaration import Declaration
from orlop.node.kubernetes.cluster import Alone, ControlPlane
from orlop.node.networks.providers import Cilium, Flannel, Weave

Source = Literal["everywhere", "members", "control planes", "this machine"]
"""Who must reach it: clients of the cluster, every node of it, its control planes, or nobody from outside."""


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """One port, or a range of them."""

    first: int
    last: int
    protocol: Literal["tcp", "udp"] = "tcp"
    server: str
    """Who listens."""
    source: Source
    free: bool = False
    """A server of the node's own takes it when the node joins: nobody else may have it before."""

    @property
    def text(self) -> str:
        """As firewalls write it: 2379-2380/tcp."""
        return f"{self.first if self.first == self.last else f'{self.first}-{self.last}'}/{self.protocol}"


def ports(declaration: Declaration, config: Config) -> list[Port]:
    """All of them, by number."""
    found = [*_member(declaration), *_network(declaration), *_daemon(config)]
    return sorted(found, key=lambda port: (port.first, port.protocol))


def _member(declaration: Declaration) -> Iterator[Port]:
    member = declaration.member
    if isinstance(member, Alone):
        return
    yield _port(10250, "kubelet", "control planes", free=True)
    if declaration.cluster.proxy_mode != "none":
        yield _port(10256, "kube-proxy's health, for load balancers", "everywhere", free=True)
    for protocol in ("tcp", "udp"):
        yield _port(30000, "Services of type NodePort", "everywhere", last=32767, protocol=protocol)
    if isinstance(member, ControlPlane):
        yield _port(member.bind_port, "API server", "everywhere", free=True)
        yield _port(2379, "etcd", "control planes", last=2380, free=True)
        yield _port(10257, "controller manager", "this machine", free=True)
        yield _port(10259, "scheduler", "this machine", free=True)


def _network(declaration: Declaration) -> Iterator[Port]:
    network = declaration.network
    if isinstance(network, Flannel):
        if network.backend == "vxlan":
            yield _port(network.port, "flannel's VXLAN", "members", protocol="udp")
        elif network.backend == "wireguard":
            yield _port(51820, "flannel's WireGuard, IPv4 and IPv6", "members", last=51821, protocol="udp")
    elif isinstance(network, Cilium):
        if network.routing != "native":
            yield _port(network.port, f"Cilium's tunnel ({network.routing})", "members", protocol="udp")
        yield _port(4240, "Cilium's health", "members")
        yield _port(4244, "Hubble", "members")
        for number, who in (
            (9234, "Cilium's operator"),
            (9878, "Cilium's envoy"),
            (9879, "Cilium's agent, its health"),
        ):
            yield _port(number, who, "this machine")
    elif isinstance(network, Weave):
        yield _port(6783, "Weave, between its peers", "members")
        yield _port(6783, "Weave, pods' traffic", "members", last=6784, protocol="udp")


def _daemon(config: Config) -> Iterator[Port]:
    """What the daemon serves beyond the machine itself: nothing, unless it was declared."""
    streaming = config.streaming
    if streaming.port and not ip_address(streaming.address).is_loopback:
        yield _port(streaming.port, "exec, attach, port-forward", "this machine")
    host, _, port = config.metrics.address.rpartition(":")
    if port and not _is_loopback(host):
        yield _port(int(port), "the daemon's metrics", "members")


def _is_loopback(host: str) -> bool:
    try:
        return not host or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _port(first: int, server: str, source: Source, *, last: int = 0, protocol: str = "tcp", free: bool = False) -> Port:
    kind: Literal["tcp", "udp"] = "udp" if protocol == "udp" else "tcp"
    return Port(first=first, last=last or first, protocol=kind, server=server, source=source, free=free)
