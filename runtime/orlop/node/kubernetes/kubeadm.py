"""Configuration of kubeadm init and join: kubeadm.k8s.io/v1beta4, the one that 1.35, 1.36 and 1.37 share.

Source: the reference of v1beta4; extraArgs is a list of name and value there.
"""

from collections.abc import Mapping
from typing import Any

from orlop.config.schema import Config
from orlop.node import artefacts
from orlop.node.declaration import Declaration
from orlop.node.kubernetes.cluster import Cluster, ControlPlane, Member
from orlop.node.kubernetes.kubelet_files import shared, sorted_deeply
from orlop.node.networks.providers import Flannel

API_VERSION = "kubeadm.k8s.io/v1beta4"
CGROUP_CHECK = "SystemVerification"
"""kubeadm's check that fails on cgroup v1 from 1.35 on."""


def init_documents(declaration: Declaration, member: ControlPlane, config: Config) -> list[dict[str, Any]]:
    """What kubeadm init reads: the node's part, the cluster, and its kubelets and proxies."""
    cluster = declaration.cluster
    documents = [
        _init(declaration, member, config),
        _cluster(declaration, artefacts.version(declaration.artefacts, "kubeadm", declaration.kubernetes)),
        shared(declaration.kubelet, config),
    ]
    if cluster.proxy_mode != "none":
        head = {"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration"}
        documents.append({**head, **sorted_deeply(cluster.proxy), "mode": cluster.proxy_mode})
    return documents


def join_document(declaration: Declaration, member: Member, config: Config) -> dict[str, Any]:
    """What kubeadm join reads."""
    document = {
        **_head("JoinConfiguration"),
        "discovery": _discovery(declaration.cluster, member),
        "nodeRegistration": _registration(declaration, member, config),
    }
    if member.timeouts:
        document["timeouts"] = dict(sorted(member.timeouts.items()))
    if isinstance(member, ControlPlane):
        key = {"certificateKey": member.certificate_key} if member.certificate_key else {}
        document["controlPlane"] = {"localAPIEndpoint": _local_endpoint(member), **key}
    return document


def upgrade_document(declaration: Declaration, member: Member) -> dict[str, Any]:
    """What kubeadm upgrade apply and upgrade node read."""
    version = artefacts.version(declaration.artefacts, "kubeadm", declaration.kubernetes)
    ignored = _ignored(declaration, member)
    document: dict[str, Any] = {
        **_head("UpgradeConfiguration"),
        "apply": {"kubernetesVersion": f"v{version}", **ignored},
    }
    if ignored:
        document["node"] = ignored
    if member.timeouts:
        document["timeouts"] = dict(sorted(member.timeouts.items()))
    return document


def _init(declaration: Declaration, member: ControlPlane, config: Config) -> dict[str, Any]:
    document = {
        **_head("InitConfiguration"),
        "localAPIEndpoint": _local_endpoint(member),
        "nodeRegistration": _registration(declaration, member, config),
    }
    if member.token:
        document["bootstrapTokens"] = [{"token": member.token}]
    if member.certificate_key:
        document["certificateKey"] = member.certificate_key
    if member.timeouts:
        document["timeouts"] = dict(sorted(member.timeouts.items()))
    if declaration.cluster.proxy_mode == "none":
        document["skipPhases"] = ["addon/kube-proxy"]
    return document


def _cluster(declaration: Declaration, patch: str) -> dict[str, Any]:
    cluster = declaration.cluster
    networking = {"dnsDomain": cluster.dns_domain, "serviceSubnet": ",".join(cluster.service_cidrs)}
    if cidrs := pod_subnets(declaration):
        networking["podSubnet"] = ",".join(cidrs)
    document: dict[str, Any] = {
        **_head("ClusterConfiguration"),
        "clusterName": cluster.name,
        "kubernetesVersion": f"v{patch}",
        "networking": networking,
    }
    if cluster.endpoint:
        document["controlPlaneEndpoint"] = cluster.endpoint
    if cluster.image_repository:
        document["imageRepository"] = cluster.image_repository
    if cluster.feature_gates:
        document["featureGates"] = dict(sorted(cluster.feature_gates.items()))
    return {**document, **_components(cluster)}


def pod_subnets(declaration: Declaration) -> tuple[str, ...]:
    """Addresses of all pods, as kubeadm is told them; empty where nobody says.

    flannel takes the part that the cluster gives each node, so the cluster must know the whole.
    """
    given = declaration.network.pod_cidrs if isinstance(declaration.network, Flannel) else ()
    return declaration.cluster.pod_cidrs or given


def _components(cluster: Cluster) -> dict[str, Any]:
    names = {"certSANs": list(cluster.cert_sans)} if cluster.cert_sans else {}
    parts: dict[str, dict[str, Any]] = {
        "apiServer": {**names, **_extra(cluster.api_server)},
        "controllerManager": _extra(cluster.controller_manager),
        "scheduler": _extra(cluster.scheduler),
        "etcd": {"local": {"dataDir": "/var/lib/etcd", **_extra(cluster.etcd)}} if cluster.etcd else {},
    }
    return {name: part for name, part in parts.items() if part}


def _registration(declaration: Declaration, member: Member, config: Config) -> dict[str, Any]:
    found: dict[str, Any] = {"criSocket": f"unix://{config.daemon.socket}"}
    if member.node_name:
        found["name"] = member.node_name
    if member.taints is not None:
        found["taints"] = [_taint(text) for text in member.taints]
    flags = {"node-ip": ",".join(member.node_ips), "node-labels": _labels(member.labels)}
    found |= _extra({name: value for name, value in flags.items() if value}, "kubeletExtraArgs")
    return {**found, **_ignored(declaration, member)}


def _ignored(declaration: Declaration, member: Member) -> dict[str, list[str]]:
    """Checks that may fail: what was declared, and the one that cgroup v1 fails where that is allowed."""
    ignored = set(member.ignore_preflight_errors)
    if declaration.kubelet.failCgroupV1 is False:
        ignored.add(CGROUP_CHECK)
    return {"ignorePreflightErrors": sorted(ignored)} if ignored else {}


def _discovery(cluster: Cluster, member: Member) -> dict[str, Any]:
    if member.discovery_file:
        return {"file": {"kubeConfigPath": member.discovery_file}}
    return {
        "bootstrapToken": {
            "token": member.token,
            "apiServerEndpoint": cluster.endpoint,
            "caCertHashes": list(member.ca_cert_hashes),
        }
    }


def _local_endpoint(member: ControlPlane) -> dict[str, Any]:
    address = {"advertiseAddress": member.advertise_address} if member.advertise_address else {}
    return {**address, "bindPort": member.bind_port}


def _taint(text: str) -> dict[str, str]:
    name, _, effect = text.rpartition(":")
    key, _, value = name.partition("=")
    return {"key": key, **({"value": value} if value else {}), "effect": effect}


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))


def _extra(flags: Mapping[str, str], name: str = "extraArgs") -> dict[str, Any]:
    return {name: [{"name": flag, "value": value} for flag, value in sorted(flags.items())]} if flags else {}


def _head(kind: str) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind}
