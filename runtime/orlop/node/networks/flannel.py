"""flannel: its manifest, with the conflist that it installs on each node. Nothing is applied here.

Sources: flannel's documentation of its configuration and of running on Kubernetes; its CNI plugin delegates to bridge
and host-local, which must be on the node with loopback and portmap.
"""

import json
from ipaddress import ip_network
from typing import Any

from orlop.node.networks.manifest import (
    Object,
    account,
    daemon_set,
    field_env,
    host_path,
    mount,
    named,
    rule,
    values_env,
)
from orlop.node.networks.providers import Flannel

NAME, NAMESPACE = "kube-flannel", "kube-flannel"
CONFLIST = "10-flannel.conflist"
PLUGINS = ("bridge", "host-local", "loopback", "portmap")
"""That must be on the node; the plugin flannel comes with its image."""


def conflist(network: Flannel) -> dict[str, Any]:
    """What the runtime finds in the end. 0.3.1, for the plugin knows no newer version for certain."""
    delegate: dict[str, Any] = {"hairpinMode": True, "isDefaultGateway": True}
    if network.mtu:
        delegate["mtu"] = network.mtu
    return {
        "name": "cbr0",
        "cniVersion": "0.3.1",
        "plugins": [
            {"type": "flannel", "delegate": delegate},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def settings(network: Flannel, *, nftables: bool) -> dict[str, Any]:
    """flanneld's net-conf.json. Its rules are of kube-proxy's kind: the two kinds do not see each other."""
    backend: dict[str, Any] = {"Type": network.backend}
    if network.backend == "vxlan":
        backend["Port"] = network.port
    if network.mtu and network.backend != "host-gw":
        backend["MTU"] = network.mtu
    families = {ip_network(cidr).version: cidr for cidr in network.pod_cidrs}
    document: dict[str, Any] = {"EnableNFTables": nftables, "Backend": backend}
    if 4 in families:
        document["Network"] = families[4]
    else:
        document["EnableIPv4"] = False
    if 6 in families:
        document |= {"EnableIPv6": True, "IPv6Network": families[6]}
    return document


def manifest(
    network: Flannel, versions: dict[str, str], *, nftables: bool, bin_dir: str, conf_dir: str
) -> list[Object]:
    """Everything that the cluster is given."""
    rules = [
        rule([""], ["pods"], ["get"]),
        rule([""], ["nodes"], ["get", "list", "watch"]),
        rule([""], ["nodes/status"], ["patch"]),
    ]
    namespace = named("v1", "Namespace", NAMESPACE)
    namespace["metadata"]["labels"] = {"pod-security.kubernetes.io/enforce": "privileged"}
    data = {
        "cni-conf.json": json.dumps(conflist(network), indent=2) + "\n",
        "net-conf.json": json.dumps(settings(network, nftables=nftables), indent=2) + "\n",
    }
    config = named("v1", "ConfigMap", NAME, NAMESPACE, data=data)
    return [namespace, *account(NAME, NAMESPACE, rules), config, _agent(network, versions, bin_dir, conf_dir)]


def _agent(network: Flannel, versions: dict[str, str], bin_dir: str, conf_dir: str) -> Object:
    image = f"ghcr.io/flannel-io/flannel:v{versions['flannel']}"
    plugin = f"ghcr.io/flannel-io/flannel-cni-plugin:v{versions['flannel-cni-plugin']}"
    interface = [f"--iface={network.interface}"] if network.interface else []
    flanneld = {
        "name": "flanneld",
        "image": image,
        "command": ["/opt/bin/flanneld", "--ip-masq", "--kube-subnet-mgr", *interface],
        "env": [
            field_env("POD_NAME", "metadata.name"),
            field_env("POD_NAMESPACE", "metadata.namespace"),
            *values_env({"EVENT_QUEUE_DEPTH": "5000"}),
        ],
        "securityContext": {"privileged": False, "capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}},
        "resources": {"requests": {"cpu": "100m", "memory": "50Mi"}},
        "volumeMounts": [
            mount("run", "/run/flannel"),
            mount("config", "/etc/kube-flannel/"),
            mount("lock", "/run/xtables.lock"),
        ],
    }
    copies = [
        _copy("install-plugin", plugin, "/flannel", "/node/flannel", mount("plugins", "/node")),
        # The conflist comes last: with it the node says that pods can have a network.
        _copy(
            "install-conflist",
            image,
            "/etc/kube-flannel/cni-conf.json",
            f"/node/{CONFLIST}",
            mount("conflists", "/node"),
            mount("config", "/etc/kube-flannel/"),
        ),
    ]
    volumes = [
        host_path("run", "/run/flannel"),
        host_path("plugins", bin_dir),
        host_path("conflists", conf_dir),
        host_path("lock", "/run/xtables.lock", "FileOrCreate"),
        {"name": "config", "configMap": {"name": NAME}},
    ]
    return daemon_set(NAME, NAMESPACE, {"initContainers": copies, "containers": [flanneld], "volumes": volumes})


def _copy(name: str, image: str, source: str, target: str, *mounts: Object) -> Object:
    return {
        "name": name,
        "image": image,
        "command": ["cp", "-f", source, target],
        "volumeMounts": list(mounts),
    }
