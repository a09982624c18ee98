"""What a declared network means for a node: its file, plugins, kernel modules, and what must fit the rest. Pure."""

from collections.abc import Iterator
from ipaddress import ip_network

from orlop.config.errors import Problem
from orlop.config.schema import Config
from orlop.node import lock, yaml
from orlop.node.declaration import Declaration
from orlop.node.kubernetes.cluster import Worker
from orlop.node.networks import cilium, flannel, weave
from orlop.node.networks.providers import Cilium, Flannel, Weave
from orlop.node.rendered import RenderedFile

DIRECTORY = "/etc/orlop/network"
_HEAD = "# Written from the node's declaration. Changes here are lost. {use}\n"


def files(declaration: Declaration, config: Config) -> list[RenderedFile]:
    """The file to give to the cluster, on nodes from which that is done."""
    network = declaration.network
    if isinstance(declaration.member, Worker) or not isinstance(network, Flannel | Cilium | Weave):
        return []
    versions, conf_dir, bin_dir = _versions(declaration), config.network.conf_dir, config.network.plugin_dirs[0]
    apply = "Apply it: kubectl apply -f"
    if isinstance(network, Flannel):
        nftables = declaration.cluster.proxy_mode == "nftables"
        text = yaml.dumps(*flannel.manifest(network, versions, nftables=nftables, bin_dir=bin_dir, conf_dir=conf_dir))
    elif isinstance(network, Weave):
        text = yaml.dumps(*weave.manifest(network, versions))
    else:
        apply = f"Install it: helm install cilium cilium/cilium -n kube-system --version {versions['cilium']} -f"
        text = yaml.dumps(
            cilium.values(
                network,
                endpoint=declaration.cluster.endpoint,
                replaces_proxy=declaration.cluster.proxy_mode == "none",
                bin_dir=bin_dir,
                conf_dir=conf_dir,
                sandboxes=any(handler.type == "shim" for handler in declaration.handlers.values()),
            )
        )
    path = f"{DIRECTORY}/{provider(declaration)}.yaml"
    return [RenderedFile(path=path, content=_HEAD.format(use=f"{apply} {path}") + text, part="network")]


def provider(declaration: Declaration) -> str:
    """The network's kind: bridge, external, flannel, cilium or weave."""
    return str(declaration.network.__struct_config__.tag)


def conflist_name(declaration: Declaration) -> str:
    """The file that a network's agent writes on each node; empty where the node writes it, or nobody knows."""
    network = declaration.network
    for kind, module in ((Flannel, flannel), (Cilium, cilium), (Weave, weave)):
        if isinstance(network, kind):
            return str(module.CONFLIST)
    return ""


def plugins(declaration: Declaration) -> tuple[str, ...]:
    """Plugins that must be on the node before the network's agent comes."""
    network = declaration.network
    if isinstance(network, Flannel):
        return flannel.PLUGINS
    return weave.PLUGINS if isinstance(network, Weave) else ("loopback",)


def modules(declaration: Declaration) -> tuple[str, ...]:
    """Kernel modules that the network needs."""
    network = declaration.network
    if isinstance(network, Flannel):
        return {"vxlan": ("vxlan",), "wireguard": ("wireguard",), "host-gw": ()}[network.backend]
    if isinstance(network, Cilium):
        return () if network.routing == "native" else (network.routing,)
    return ("vxlan", "openvswitch") if isinstance(network, Weave) else ()


def problems(declaration: Declaration) -> Iterator[Problem]:
    """Settings of the network that do not fit each other, or the cluster."""
    network, cluster = declaration.network, declaration.cluster
    if not isinstance(network, Flannel | Cilium | Weave):
        return
    yield from _cidrs(network.pod_cidrs)
    if isinstance(network, Flannel):
        if cluster.pod_cidrs and set(cluster.pod_cidrs) != set(network.pod_cidrs):
            yield Problem("network.pod_cidrs", "flannel takes nodes' parts of cluster.pod_cidrs: they must be the same")
        if cluster.proxy_mode == "none":
            yield Problem("cluster.proxy_mode", "flannel does not do kube-proxy's work: it cannot be none")
    elif isinstance(network, Cilium):
        if cluster.proxy_mode == "none" and ":" not in cluster.endpoint:
            yield Problem("cluster.endpoint", "without kube-proxy Cilium must know host:port of the API server")
    elif not network.unmaintained:
        yield Problem("network.unmaintained", "Weave has no maintainer: set it to true if you want it all the same")
    elif any(":" in cidr for cidr in network.pod_cidrs):
        yield Problem("network.pod_cidrs", "Weave knows IPv4 alone")


def _cidrs(cidrs: tuple[str, ...]) -> Iterator[Problem]:
    families = []
    for cidr in cidrs:
        try:
            families.append(ip_network(cidr).version)
        except ValueError as error:
            yield Problem("network.pod_cidrs", str(error))
            return
    if not families or len(set(families)) != len(families):
        yield Problem("network.pod_cidrs", "give one network, or one per IP family")


def _versions(declaration: Declaration) -> dict[str, str]:
    return lock.release(declaration.kubernetes).networks
