"""Weave Net, legacy: its manifest. Its agent writes the conflist 10-weave.conflist where none of that name is there.

Source: the fork's own launch script and manifest. It mounts whole directories of the node, /etc among them: not for
nodes whose /etc cannot be written.
"""

from orlop.node.networks.manifest import (
    Object,
    account,
    daemon_set,
    field_env,
    host_path,
    mount,
    rule,
    values_env,
)
from orlop.node.networks.providers import Weave

NAME, NAMESPACE = "weave-net", "kube-system"
CONFLIST = "10-weave.conflist"
PLUGINS = ("loopback", "portmap")
MOUNTS = {
    "opt": ("/opt", "/host/opt"),
    "home": ("/home", "/host/home"),
    "etc": ("/etc", "/host/etc"),
    "dbus": ("/var/lib/dbus", "/host/var/lib/dbus"),
    "modules": ("/lib/modules", "/lib/modules"),
    "data": ("/var/lib/weave", "/weavedb"),
}
"""Of the node, by name: the path there, and in the agent."""


def manifest(network: Weave, versions: dict[str, str]) -> list[Object]:
    """Everything that the cluster is given."""
    rules = [
        rule([""], ["pods", "namespaces", "nodes"], ["get", "list", "watch"]),
        rule(["networking.k8s.io"], ["networkpolicies"], ["get", "list", "watch"]),
        rule([""], ["nodes/status"], ["patch", "update"]),
        rule([""], ["configmaps"], ["get", "create", "update"]),
    ]
    return [*account(NAME, NAMESPACE, rules), _agent(network, versions["weave"])]


def _agent(network: Weave, version: str) -> Object:
    plain = {"IPALLOC_RANGE": network.pod_cidrs[0], "INIT_CONTAINER": "true"}
    if network.mtu:
        plain["WEAVE_MTU"] = str(network.mtu)
    weave = {
        "name": "weave",
        "image": f"docker.io/rajchaudhuri/weave-kube:{version}",
        "command": ["/home/weave/launch.sh"],
        "env": [field_env("HOSTNAME", "spec.nodeName"), *values_env(plain)],
        "securityContext": {"privileged": True},
        "readinessProbe": {"httpGet": {"host": "127.0.0.1", "path": "/status", "port": 6784}},
        "resources": {"requests": {"cpu": "50m", "memory": "100Mi"}},
        "volumeMounts": [*(mount(name, inside) for name, (_, inside) in MOUNTS.items()), _lock()],
    }
    policies = {
        "name": "weave-npc",
        "image": f"docker.io/rajchaudhuri/weave-npc:{version}",
        "env": [field_env("HOSTNAME", "spec.nodeName")],
        "securityContext": {"privileged": True},
        "resources": {"requests": {"cpu": "50m", "memory": "100Mi"}},
        "volumeMounts": [_lock()],
    }
    first = {
        "name": "weave-init",
        "image": f"docker.io/rajchaudhuri/weave-kube:{version}",
        "command": ["/home/weave/init.sh"],
        "securityContext": {"privileged": True},
        "volumeMounts": [mount(name, MOUNTS[name][1]) for name in ("opt", "home", "etc", "dbus", "modules")],
    }
    volumes = [host_path(name, outside) for name, (outside, _) in MOUNTS.items()]
    volumes.append(host_path("lock", "/run/xtables.lock", "FileOrCreate"))
    return daemon_set(
        NAME,
        NAMESPACE,
        {"hostPID": True, "initContainers": [first], "containers": [weave, policies], "volumes": volumes},
    )


def _lock() -> Object:
    return mount("lock", "/run/xtables.lock")
