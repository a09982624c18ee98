"""Pods' addresses: what the CNI network gives must be what kubeadm has told the cluster, or Services lose their way."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import msgspec

from orlop.engine.cni.conflist import NetworkConfig, PluginConfig
from orlop.linux.files import read_text_or
from orlop.model.errors import OrlopError
from orlop.node.declaring import declare
from orlop.node.kubernetes.cluster import Alone
from orlop.node.kubernetes.kubeadm import pod_subnets
from orlop.verify.preflight.finding import Finding, ok, warning

MANIFEST = "/etc/kubernetes/manifests/kube-controller-manager.yaml"
"""kubeadm's, on a control plane."""
ATTEMPTED = "/var/lib/orlop/node/attempted.json"
"""The declaration that the roles apply or have applied (orlop.node.history)."""
SUBNETS = "/run/flannel/subnet.env"
"""flanneld's: the whole network, and this node's part of it."""

Networks = list[IPv4Network | IPv6Network]


def look(
    network: NetworkConfig, *, manifest: str = MANIFEST, attempted: str = ATTEMPTED, subnets: str = SUBNETS
) -> Iterator[Finding]:
    """Nothing where one of both is not known: no member of a cluster, or a network that says no addresses."""
    name = "pod addresses"
    cluster, source = _of_kubeadm(manifest, attempted)
    given = [each for plugin in network.plugins for each in _given(plugin, subnets)]
    if not cluster or not given:
        return
    outside = [each for each in given if not any(_within(each, whole) for whole in cluster)]
    told = f"{network.path} gives {_listed(given)}, {source} {_listed(cluster)}"
    if outside:
        remedy = "network.pod_cidrs of the declaration must lie in its cluster.pod_cidrs, for Services know no others"
        yield warning(name, told, remedy)
    else:
        yield ok(name, told)


def _of_kubeadm(manifest: str, attempted: str) -> tuple[Networks, str]:
    """The cluster's addresses of pods, and where that is said."""
    if found := re.search(r"--cluster-cidr=([0-9a-fA-F.:/,]+)", read_text_or(manifest, "")):
        return _networks(found[1].split(",")), "kubeadm's controller manager has"
    try:
        data = msgspec.json.decode(read_text_or(attempted, "{}"), type=dict[str, msgspec.Raw])
        declared = declare(msgspec.json.decode(data.get("declaration", b"{}"), type=dict[str, Any]))
    except (msgspec.DecodeError, OrlopError):
        return [], ""
    if isinstance(declared.member, Alone):
        return [], ""
    return _networks(pod_subnets(declared)), "kubeadm is told"


def _given(plugin: PluginConfig, subnets: str) -> Networks:
    """host-local's subnets (its "ranges" or "subnet"), or flannel's whole network."""
    if plugin.type == "flannel":
        text = read_text_or(subnets, "")
        return _networks(re.findall(r"^FLANNEL_(?:IPV6_)?NETWORK=(\S+)$", text, re.MULTILINE))
    ipam = plugin.raw.get("ipam")
    text = bytes(ipam).decode("utf-8", "replace") if ipam is not None else ""
    return _networks(re.findall(r'"subnet"\s*:\s*"([^"]+)"', text))


def _networks(texts: Iterable[str]) -> Networks:
    """Those that are one; flanneld writes several with commas."""
    found: Networks = []
    for each in ",".join(texts).split(","):
        with contextlib.suppress(ValueError):
            found.append(ip_network(each, strict=False))
    return found


def _within(part: IPv4Network | IPv6Network, whole: IPv4Network | IPv6Network) -> bool:
    if isinstance(part, IPv4Network):
        return isinstance(whole, IPv4Network) and part.subnet_of(whole)
    return isinstance(whole, IPv6Network) and part.subnet_of(whole)


def _listed(networks: Networks) -> str:
    return ", ".join(map(str, networks))
