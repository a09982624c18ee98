"""Kernel settings that a Kubernetes node needs, and what a declaration changes. Applying them is the provisioner's."""

from ipaddress import ip_network

from orlop.node import hardening
from orlop.node.declaration import Declaration, External
from orlop.node.networks import files as networks

MODULES = (
    "br_netfilter",  # bridged traffic passes iptables, as Services need
    "overlay",  # images' layers
)

SYSCTLS: dict[str, str] = {
    "net.ipv4.ip_forward": "1",
    "net.bridge.bridge-nf-call-iptables": "1",
    "net.bridge.bridge-nf-call-ip6tables": "1",
    # NodePorts: never handed out as local ports.
    "net.ipv4.ip_local_reserved_ports": "30000-32767",
    # The kubelet refuses to start with protectKernelDefaults unless these hold.
    "vm.overcommit_memory": "1",
    "vm.panic_on_oom": "0",
    "kernel.panic": "10",
    "kernel.panic_on_oops": "1",
    "kernel.keys.root_maxkeys": "1000000",
    "kernel.keys.root_maxbytes": "25000000",
    # Each pod's log and each mounted secret is watched.
    "fs.inotify.max_user_instances": "8192",
    "fs.inotify.max_user_watches": "524288",
}


def modules(declaration: Declaration) -> list[str]:
    """Modules to load, in name order."""
    return sorted({*MODULES, *networks.modules(declaration), *declaration.host.modules})


def sysctls(declaration: Declaration) -> dict[str, str]:
    """Sysctls to set, in name order: the node's needs, changed by the declaration."""
    wanted: dict[str, str | int | None] = dict(SYSCTLS)
    if not isinstance(declaration.network, External) and any(
        ip_network(c).version == 6 for c in declaration.network.pod_cidrs
    ):
        wanted["net.ipv6.conf.all.forwarding"] = "1"
    wanted.update(hardening.sysctls(declaration.host.hardening))
    wanted.update(declaration.host.sysctls)
    return {name: str(value) for name, value in sorted(wanted.items()) if value is not None}
