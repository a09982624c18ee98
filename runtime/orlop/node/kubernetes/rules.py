"""What the types of cluster, member and kubelet cannot say: settings that must fit each other."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network

from orlop.config.errors import Problem
from orlop.node.declaration import Declaration
from orlop.node.kubernetes.cluster import Alone, Cluster, ControlPlane, Member
from orlop.node.kubernetes.kubelet import DERIVED, SINCE, Kubelet


def misplaced(kubelet: object) -> Iterator[Problem]:
    """Fields that follow from the rest of the declaration, told with where to say them."""
    if isinstance(kubelet, Mapping):
        yield from (Problem(f"kubelet.{name}", DERIVED[name]) for name in kubelet if name in DERIVED)


def problems(declaration: Declaration) -> Iterator[Problem]:
    """All problems of a declaration whose types are right."""
    cluster, member, kubelet = declaration.cluster, declaration.member, declaration.kubelet
    yield from _cidrs("cluster.pod_cidrs", cluster.pod_cidrs, least=0)
    yield from _cidrs("cluster.service_cidrs", cluster.service_cidrs, least=1)
    yield from _proxy(cluster)
    yield from _kubelet(kubelet, declaration.kubernetes)
    for name in declaration.runtime_classes.keys() - declaration.handlers.keys():
        yield Problem(f"runtime_classes.{name}", f"there is no handler {name!r}")
    if isinstance(member, Alone):
        yield from _without_a_member(cluster, kubelet)
    else:
        yield from _member(cluster, member)


def _cidrs(key: str, cidrs: tuple[str, ...], *, least: int) -> Iterator[Problem]:
    families = []
    for cidr in cidrs:
        try:
            families.append(ip_network(cidr).version)
        except ValueError as error:
            yield Problem(key, str(error))
    if len(cidrs) < least or len(set(families)) != len(families):
        yield Problem(key, "give one network, or one per IP family")


def _proxy(cluster: Cluster) -> Iterator[Problem]:
    for name in ("apiVersion", "kind", "mode"):
        if name in cluster.proxy:
            yield Problem(f"cluster.proxy.{name}", "follows from the declaration: cluster.proxy_mode says the mode")
    if cluster.proxy and cluster.proxy_mode == "none":
        yield Problem("cluster.proxy", "says nothing to a cluster without kube-proxy: cluster.proxy_mode is none")


def _kubelet(kubelet: Kubelet, minor: str) -> Iterator[Problem]:
    for name, since in SINCE.items():
        if getattr(kubelet, name) is not None and _number(minor) < _number(since):
            yield Problem(f"kubelet.{name}", f"there is no such field before {since}, and the node is for {minor}")
    if (kubelet.maxParallelImagePulls or 1) > 1 and kubelet.serializeImagePulls is not False:
        yield Problem("kubelet.maxParallelImagePulls", "needs serializeImagePulls to be false")


def _number(minor: str) -> tuple[int, ...]:
    return tuple(map(int, minor.split(".")))


def _without_a_member(cluster: Cluster, kubelet: Kubelet) -> Iterator[Problem]:
    for name, section, default in (("cluster", cluster, Cluster()), ("kubelet", kubelet, Kubelet())):
        if section != default:
            yield Problem(name, "says nothing to a node that is no member: set member.role")


def _member(cluster: Cluster, member: Member) -> Iterator[Problem]:
    for address in member.node_ips:
        yield from _address("member.node_ips", address)
    if isinstance(member, ControlPlane) and member.advertise_address:
        yield from _address("member.advertise_address", member.advertise_address)
    if not (isinstance(member, ControlPlane) and member.first):
        yield from _joining(cluster, member)
    elif member.discovery_file or member.ca_cert_hashes:
        yield Problem(
            "member", "discovery_file and ca_cert_hashes are for joining, and the first one makes the cluster"
        )


def _joining(cluster: Cluster, member: Member) -> Iterator[Problem]:
    if member.token and member.discovery_file:
        yield Problem("member", "a node joins by token or by discovery_file, not by both; with neither a token is made")
    elif member.token and not (cluster.endpoint and member.ca_cert_hashes):
        yield Problem("member.token", "goes with cluster.endpoint and member.ca_cert_hashes")
    if member.discovery_file and member.ca_cert_hashes:
        yield Problem("member.ca_cert_hashes", "belong to a token; the discovery file has the CA itself")


def _address(key: str, address: str) -> Iterator[Problem]:
    try:
        ip_address(address)
    except ValueError as error:
        yield Problem(key, str(error))
