"""The cluster that a node is for, and its part in it, as types. What they mean is in kubeadm and kubelet_files."""

from typing import Annotated, Any, Literal

import msgspec

from orlop.config.schema import Path, Section
from orlop.node.kubernetes.kubelet import Duration

Token = Annotated[str, msgspec.Meta(pattern=r"^([a-z0-9]{6}[.][a-z0-9]{16})?$")]
CertificateKey = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?$")]
CaHash = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
Taint = Annotated[
    str,
    msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]*(=[A-Za-z0-9_.-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$"),
]
Timeout = Literal[
    "controlPlaneComponentHealthCheck",
    "discovery",
    "etcdAPICall",
    "kubeletHealthCheck",
    "kubernetesAPICall",
    "tlsBootstrap",
    "upgradeManifests",
]
"""Timeouts of kubeadm.k8s.io/v1beta4, by its own names."""
NodeName = Annotated[str, msgspec.Meta(pattern=r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$")]
Endpoint = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:.]+[]](:[0-9]{1,5})?)?$")]


class Cluster(Section):
    """What all members of the cluster have in common; kubeadm init writes it to the cluster."""

    name: str = "kubernetes"
    """The cluster's name in kubeconfig files."""
    endpoint: Endpoint = ""
    """host:port by which every member reaches the API server; empty: that of the first control plane itself."""
    pod_cidrs: tuple[str, ...] = ()
    """Networks of all pods, one per IP family, from which each node gets its part; empty: the network plugin's own."""
    service_cidrs: tuple[str, ...] = ("10.96.0.0/12",)
    """Networks of Services, one per IP family."""
    dns_domain: str = "cluster.local"
    """Domain of Services' names."""
    proxy_mode: Literal["iptables", "nftables", "none"] = "iptables"
    """How kube-proxy reaches Services; none: it is not installed, for the network plugin does its work."""
    proxy: dict[str, Any] = {}
    """Settings of kube-proxy beside its mode, by the names of KubeProxyConfiguration v1alpha1."""
    image_repository: str = ""
    """Registry of the control plane's images; empty: kubeadm's default."""
    cert_sans: tuple[str, ...] = ()
    """Further names and addresses in the API server's certificate."""
    feature_gates: dict[str, bool] = {}
    """kubeadm's own feature gates."""
    api_server: dict[str, str] = {}
    """Flags of the API server, without the leading dashes."""
    controller_manager: dict[str, str] = {}
    """Flags of the controller manager, without the leading dashes."""
    scheduler: dict[str, str] = {}
    """Flags of the scheduler, without the leading dashes."""
    etcd: dict[str, str] = {}
    """Flags of the local etcd, without the leading dashes."""


class Alone(Section, tag_field="role", tag="none"):
    """No member of a cluster: the node runs pods for whoever asks the daemon, and gets no kubelet."""


class Member(Section):
    """What every member says of itself."""

    node_name: NodeName = ""
    """Name of the Node object; empty: the host's name."""
    node_ips: tuple[str, ...] = ()
    """Addresses by which other nodes know this one, one per IP family; empty: that of the default route."""
    labels: dict[str, str] = {}
    """Labels that the kubelet registers its node with."""
    taints: tuple[Taint, ...] | None = None
    """key=value:effect, as kubectl writes it; null: kubeadm's own for the role; an empty list: none."""
    ignore_preflight_errors: tuple[str, ...] = ()
    """Checks of kubeadm that may fail, by their names."""
    timeouts: dict[Timeout, Duration] = {}
    """How long kubeadm waits, by its own names, where its defaults are too short for a slow machine."""
    token: Token = ""
    """Bootstrap token to join with. A secret: where it would be readable for others, use discovery_file."""
    ca_cert_hashes: tuple[CaHash, ...] = ()
    """Digests of the cluster's CA, needed to trust what a token finds."""
    discovery_file: Path | Literal[""] = ""
    """A kubeconfig on the node to join with, in place of a token."""


class ControlPlane(Member, tag_field="role", tag="control_plane"):
    """Runs the API server and what belongs to it."""

    first: bool = True
    """Makes the cluster (kubeadm init); false: joins one that is there."""
    advertise_address: str = ""
    """The API server's own address; empty: that of the default route."""
    bind_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 6443
    """The API server's own port."""
    certificate_key: CertificateKey = ""
    """Key of the certificates that kubeadm keeps in the cluster for two hours. A secret."""


class Worker(Member, tag_field="role", tag="worker"):
    """Runs pods and nothing of the control plane."""


Membership = Alone | ControlPlane | Worker
