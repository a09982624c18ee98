"""A node's declaration as types: everything that makes one node differ from another.

Ansible's variables and the NixOS options are this, written in their own way. Checking plain data against it is in
declaring, what files follow from it in render, which versions belong to a minor in the lock file.
"""

from typing import Annotated, Any

import msgspec

from orlop.config.schema import Handler, Section
from orlop.node.artefacts import Artefact
from orlop.node.hardening import Hardening
from orlop.node.kubernetes.cluster import Alone, Cluster, Membership
from orlop.node.kubernetes.kubelet import Kubelet
from orlop.node.kubernetes.runtime_class import RuntimeClass
from orlop.node.networks.providers import Cilium, Flannel, Weave

InterfaceName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,15}$")]
NetworkName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
SysctlName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]+([./][A-Za-z0-9_*-]+)+$")]
ModuleName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]+$")]

OWN_PLACE = ("default_handler", "handlers")
"""Names of the daemon's configuration that a declaration says at its top, not below `daemon`."""


class Bridge(Section, tag_field="provider", tag="bridge"):
    """Pods on a bridge of the node, addresses from host-local: for one node, or where routes are made elsewhere."""

    name: NetworkName = "orlop"
    """The network's name; its leases are kept under it."""
    interface: InterfaceName = "orlop0"
    """The bridge."""
    pod_cidrs: tuple[str, ...] = ("10.85.0.0/16",)
    """One network of pod addresses per IP family."""
    mtu: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """0: that of the route out of the node."""
    masquerade: bool = True
    """Pods leave the node with the node's address."""
    host_ports: bool = True
    """hostPort works, by the portmap plugin."""
    firewall: bool = False
    """Accept pods' traffic in the FORWARD chain: needed where its policy is DROP, as Docker sets it."""


class External(Section, tag_field="provider", tag="external"):
    """The conflist comes from elsewhere, such as a DaemonSet; the node gets none and waits for it."""


Network = Bridge | External | Flannel | Cilium | Weave


class Host(Section):
    """Settings of the machine itself."""

    sysctls: dict[SysctlName, str | int | None] = {}
    """Beside those that a node needs; null drops one of these."""
    modules: tuple[ModuleName, ...] = ()
    """Kernel modules to load beside those that a node needs."""
    hardening: Hardening = Hardening()
    """What the machine is denied beyond what a node needs; all of it is off unless declared."""
    firewalld: bool = True
    """Where firewalld runs it is told the ports that members and clients of the cluster must reach, and pods'
    addresses. False: they are only named. NodePorts and other firewalls are left to whoever keeps them."""


class Declaration(Section):
    """One node."""

    kubernetes: str = "1.37"
    """The minor that the node is for; it decides the pause image and every version in the lock file."""
    handlers: dict[str, Handler] = msgspec.field(default_factory=lambda: {"runc": Handler(), "crun": Handler()})
    """OCI runtimes and shims that a RuntimeClass can name."""
    default_handler: str = "runc"
    """Handler of pods whose RuntimeClass names none."""
    runtime_classes: dict[str, RuntimeClass] = {}
    """By handler: what its RuntimeClass says beside the name, rendered on control planes."""
    network: Network = Bridge()
    """The pod network, chosen by `provider`."""
    daemon: dict[str, Any] = {}
    """Settings of the daemon that differ from its defaults, by the names of /etc/orlop/orlop.toml."""
    host: Host = Host()
    """Settings of the machine itself."""
    member: Membership = Alone()
    """The node's part in a cluster, chosen by `role`: none, control_plane or worker."""
    cluster: Cluster = Cluster()
    """The cluster that the node is a member of."""
    artefacts: dict[str, Artefact] = {}
    """What is downloaded, by the lock file's names, where it is not to be what the lock file says."""
    kubelet: Kubelet = Kubelet()
    """Settings of the kubelet that differ from its defaults, by the names of KubeletConfiguration v1beta1."""
