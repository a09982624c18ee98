"""`./lab.sh up` and `down`: nodes, their wire and servers, and the cluster that the playbooks make of them."""

import json
from pathlib import Path
from typing import Any

from tests.lab import airgap, bundle, inventory, kernel, machines, places, wire
from tests.lab.places import LabError
from tests.lab.playing import play


def up(minor: str, network: str, nodes: int, planes: int = 1, *, airgapped: bool = False) -> None:
    """Make a cluster; what was begun stays where it fails, to be looked at, until `down`."""
    if places.recall():
        raise LabError("a lab is up already: ./lab.sh down removes it")
    if not 1 <= planes <= nodes:
        raise LabError(f"{nodes} nodes have no {planes} control planes")
    if not bundle.is_made(minor):
        bundle.make(minor)
    places.remember(minor=minor, network=network, nodes=nodes, planes=planes, kernel={}, servers=[])
    places.remember(kernel=kernel.prepare())
    wire.lay()
    _serve(minor, airgapped=airgapped)
    leaders = []
    for number in range(1, nodes + 1):
        leaders.append(machines.create(places.node_name(number), mirrored=not airgapped))
        wire.connect(number, leaders[-1])
        if airgapped:
            wire.cut(leaders[-1])
    if network == "bridge":
        wire.route(leaders)
    declare(minor)
    play("site.yml")
    link = "mkdir -p /root/.kube && ln -sf /etc/kubernetes/admin.conf /root/.kube/config"
    for number in range(1, planes + 1):
        machines.enter(places.node_name(number), "/bin/sh", "-c", link)


def upgrade(minor: str) -> None:
    """Declare the next minor and run the playbook that brings the cluster there."""
    known = _up()
    if not bundle.is_made(minor):
        bundle.make(minor)
    wire.stop(known["servers"])
    places.remember(minor=minor)
    _serve(minor, airgapped="airgap" in known)
    declare(minor)
    play("upgrade.yml")


def switch(network: str) -> None:
    """Bring the cluster from its network to another, by the steps of docs/networks.md."""
    known = _up()
    before, first = known["network"], places.node_name(1)
    if network == before:
        raise LabError(f"the network is {network} already")
    places.remember(network=network)
    declare(known["minor"])
    if network == "bridge":
        wire.route([machines.leader(places.node_name(number)) for number in range(1, known["nodes"] + 1)])
    else:
        play("node.yml", "--limit", first, "--tags", "cni_network")
        machines.enter(first, "kubectl", "apply", "-f", f"/etc/orlop/network/{network}.yaml")
    # An agent would bring its conflist back.
    if before == "flannel":
        machines.enter(first, "kubectl", "delete", "namespace", "kube-flannel")
    play("network.yml")


def declare(minor: str) -> Path:
    """Write the inventory that declares the nodes for a minor, from that minor's bundle."""
    known = places.recall()
    hosts = inventory.inventory(
        minor, known["network"], known["nodes"], bundle.describe(minor), planes=known.get("planes", 1)
    )
    if "airgap" in known:
        hosts["all"]["vars"]["orlop_bundle"] = known["airgap"]
    path = places.home() / "inventory.json"
    path.write_text(json.dumps(hosts, indent=2))
    return path


def down() -> None:
    """Take everything away that `up` has made; twice is fine."""
    known = places.recall()
    for number in range(1, known.get("nodes", 2) + 1):
        machines.destroy(places.node_name(number))
    machines.destroy(airgap.BUILDER)
    wire.remove(known.get("servers", []))
    kernel.restore(known.get("kernel", {}))
    places.forget()


def _serve(minor: str, *, airgapped: bool) -> None:
    """Start what nodes ask on the wire; where they have an archive, the machine that makes it is all that asks."""
    servers = wire.serve(places.bundle(minor))
    places.remember(servers=servers)
    wire.wait()
    if airgapped:
        try:
            places.remember(airgap=str(airgap.make(minor)))
        finally:
            wire.stop(servers)
        servers = []
    planes = places.recall().get("planes", 1)
    places.remember(servers=servers + (wire.balance(planes) if planes > 1 else []))


def _up() -> dict[str, Any]:
    known = places.recall()
    if not known:
        raise LabError("no lab is up: ./lab.sh up")
    return known
