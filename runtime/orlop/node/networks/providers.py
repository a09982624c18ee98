"""Networks of a cluster that bring their own agents, as types. What follows from them is in the module of each."""

from typing import Annotated, Literal

import msgspec

from orlop.config.schema import Section

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Mtu = Annotated[int, msgspec.Meta(ge=0, le=65535)]
DeviceName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{0,15}$")]


class Flannel(Section, tag_field="provider", tag="flannel"):
    """flannel: an overlay or routes between nodes, each with its part of the cluster's pod network."""

    pod_cidrs: tuple[str, ...] = ("10.244.0.0/16",)
    """Networks of all pods, one per IP family; cluster.pod_cidrs, from which nodes get theirs, must be the same."""
    backend: Literal["vxlan", "host-gw", "wireguard"] = "vxlan"
    """How pods of two nodes reach each other: host-gw needs all nodes on one link."""
    port: Port = 8472
    """UDP port of vxlan."""
    mtu: Mtu = 0
    """0: what the backend leaves of the interface's."""
    interface: DeviceName = ""
    """Interface between the nodes; empty: that of the default route."""


class Cilium(Section, tag_field="provider", tag="cilium"):
    """Cilium: eBPF in place of bridges, and on request of kube-proxy (cluster.proxy_mode none)."""

    pod_cidrs: tuple[str, ...] = ("10.244.0.0/16",)
    """Networks of all pods, one per IP family. Cilium gives nodes their parts by itself."""
    node_mask: Annotated[int, msgspec.Meta(ge=8, le=30)] = 24
    """Prefix length of a node's part of the IPv4 network."""
    node_mask6: Annotated[int, msgspec.Meta(ge=64, le=126)] = 120
    """Prefix length of a node's part of the IPv6 network."""
    routing: Literal["vxlan", "geneve", "native"] = "vxlan"
    """A tunnel between nodes; native: the nodes' own network routes pods."""
    port: Port = 8472
    """UDP port of the tunnel."""
    exclusive: bool = True
    """Cilium renames conflists of others: the only network that can be on the node."""
    operators: Annotated[int, msgspec.Meta(ge=1, le=9)] = 2
    """Replicas of the operator, each on a node of its own; 1 for a cluster of one node."""


class Weave(Section, tag_field="provider", tag="weave"):
    """Weave Net. Legacy: nobody maintains it but one person's fork, and nothing has come since December 2024."""

    unmaintained: bool = False
    """Must be true: says that the state of it is known."""
    pod_cidrs: tuple[str, ...] = ("10.32.0.0/12",)
    """The network of all pods; IPv4 alone. Weave gives addresses by itself."""
    mtu: Mtu = 0
    """0: Weave's own default."""


Provided = Flannel | Cilium | Weave
