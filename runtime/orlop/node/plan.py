"""What a provisioner does for a declaration, as plain data: files, kernel settings, programs, directories. Pure."""

import os
from typing import Any, get_args

import msgspec

from orlop.node import artefacts, host, lock, yaml
from orlop.node.artefacts import ARCHITECTURES, Fetch, Unsaid
from orlop.node.declaration import Bridge, Declaration
from orlop.node.kubernetes.cluster import Alone, ControlPlane
from orlop.node.kubernetes.kubeadm import upgrade_document
from orlop.node.network import conflist
from orlop.node.networks import files as networks
from orlop.node.ports import Port, ports
from orlop.node.render import PROGRAM, render
from orlop.node.rendered import Part, RenderedFile
from orlop.node.settings import effective

KATA = "/opt/kata/"
"""Where Kata's static releases unpack themselves."""


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler runs."""

    name: str
    path: str
    """Empty: searched in PATH, so the distribution's."""


class Directories(msgspec.Struct, frozen=True, kw_only=True):
    """Where the daemon keeps and looks for things."""

    state: str
    root: str
    network: str
    network_cache: str
    leases: str
    """The declared network's addresses in use; empty where another owns the network."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One node's work."""

    kubernetes: str
    patch: str
    files: dict[Part, list[RenderedFile]]
    modules: list[str]
    sysctls: dict[str, str]
    programs: list[Program]
    kata: dict[str, list[Fetch]]
    """Static releases of Kata to unpack at the root, by architecture; empty where no handler's program is in one."""
    plugins: list[str]
    """CNI plugins that the network and every pod need."""
    plugin_dirs: tuple[str, ...]
    directories: Directories
    default_network: str
    """Name of the network to use; empty: the first in name order."""
    socket: str
    interface: str
    """The bridge; empty where another owns the network."""
    network: str
    """The network's kind: bridge, external, flannel, cilium or weave."""
    conflist: str
    """Name of the conflist that the network's agent writes; empty where the node writes it, or nobody knows."""
    role: str
    """The node's part in a cluster: none, control_plane or worker."""
    first: bool
    """Whether the node makes the cluster."""
    upgrade: str
    """Configuration of kubeadm upgrade for a member; empty where the node is none."""
    artefacts: dict[str, list[Fetch]]
    """Kubernetes' programs of a member, by architecture; empty where the node is none."""
    verified: dict[str, list[Fetch]]
    """Programs that come by digest and not from the distribution, by architecture."""
    verified_plugins: dict[str, list[Fetch]]
    """CNI plugins that do, each with the address of their one archive."""
    unsaid: dict[str, list[Unsaid]]
    """What of all these nobody has said a digest of, by architecture."""
    ports: list[Port]
    """What the node serves."""
    firewalld: bool
    """Whether firewalld, where it runs, is told of them."""
    pod_cidrs: tuple[str, ...]
    """Addresses of pods, as far as they are declared."""
    hardened: list[str]
    """Items of host.hardening that are on."""


def plan(declaration: Declaration, *, program: str = PROGRAM) -> Plan:
    """The work of a node."""
    config = effective(declaration)
    bridge = declaration.network if isinstance(declaration.network, Bridge) else None
    files: dict[Part, list[RenderedFile]] = {part: [] for part in get_args(Part)}
    for file in render(declaration, program=program):
        files[file.part].append(file)
    plugins = _plugins(bridge) if bridge else sorted(networks.plugins(declaration))
    kata = _kata(declaration)
    said, minor = declaration.artefacts, declaration.kubernetes
    member = {} if isinstance(declaration.member, Alone) else artefacts.of_a_member(said, minor)
    verified, verified_plugins = artefacts.of_a_node(said, minor), artefacts.of_a_network(said, minor, plugins)
    return Plan(
        kubernetes=declaration.kubernetes,
        patch=artefacts.version(declaration.artefacts, "kubeadm", declaration.kubernetes),
        files=files,
        modules=host.modules(declaration),
        sysctls=host.sysctls(declaration),
        programs=_programs(declaration),
        kata=kata,
        plugins=plugins,
        plugin_dirs=config.network.plugin_dirs,
        directories=Directories(
            state=config.daemon.state_dir,
            root=config.daemon.root_dir,
            network=config.network.conf_dir,
            network_cache=config.network.cache_dir,
            # host-local's own default; the conflist leaves it so.
            leases=f"/var/lib/cni/networks/{bridge.name}" if bridge else "",
        ),
        default_network=config.network.default_network,
        socket=config.daemon.socket,
        interface=bridge.interface if bridge else "",
        network=networks.provider(declaration),
        conflist=networks.conflist_name(declaration),
        role=str(declaration.member.__struct_config__.tag),
        first=isinstance(declaration.member, ControlPlane) and declaration.member.first,
        upgrade=""
        if isinstance(declaration.member, Alone)
        else yaml.dumps(upgrade_document(declaration, declaration.member)),
        artefacts=member,
        verified=verified,
        verified_plugins=verified_plugins,
        unsaid=_unsaid(member, kata, verified, verified_plugins),
        ports=ports(declaration, config),
        firewalld=declaration.host.firewalld,
        pod_cidrs=getattr(declaration.network, "pod_cidrs", declaration.cluster.pod_cidrs),
        hardened=[name for name, on in msgspec.to_builtins(declaration.host.hardening).items() if on],
    )


def plan_as_data(declaration: Declaration) -> dict[str, Any]:
    """The plan as dicts and lists."""
    data: dict[str, Any] = msgspec.to_builtins(plan(declaration))
    return data


def _programs(declaration: Declaration) -> list[Program]:
    found = {
        Program(name=os.path.basename(handler.path) or name, path=handler.path)
        for name, handler in declaration.handlers.items()
    }
    return sorted(found, key=lambda program: (program.name, program.path))


def _kata(declaration: Declaration) -> dict[str, list[Fetch]]:
    paths = [handler.path for handler in declaration.handlers.values() if handler.path.startswith(KATA)]
    versions = lock.release(declaration.kubernetes).versions
    # From release 4 on the Go shim has an archive of its own; before, one archive has both.
    names = {
        "kata-go-static"
        if "kata-go-static" in versions and not path.startswith(f"{KATA}runtime-rs/")
        else "kata-static"
        for path in paths
    }
    return {
        arch: [artefacts.fetch(declaration.artefacts, name, declaration.kubernetes, arch) for name in sorted(names)]
        for arch in (ARCHITECTURES if names else ())
    }


def _unsaid(*fetched: dict[str, list[Fetch]]) -> dict[str, list[Unsaid]]:
    return {
        arch: artefacts.unsaid([each for group in fetched for each in group.get(arch, [])], arch)
        for arch in ARCHITECTURES
    }


def _plugins(bridge: Bridge) -> list[str]:
    chain = conflist(bridge)["plugins"]
    ipam = [plugin["ipam"]["type"] for plugin in chain if "ipam" in plugin]
    return sorted({"loopback", *ipam, *(plugin["type"] for plugin in chain)})
