"""`./lab.sh up` and `down`: nodes, their wire and servers, and the cluster that the playbooks make of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.lab import bundle, inventory, kernel, machines, places, wire
from tests.lab.places import ROOT, LabError

ANSIBLE = {
    "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    "ANSIBLE_CONNECTION_PLUGINS": str(ROOT / "molecule/shared/plugins/connection"),
    "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
}


def up(minor: str, network: str, nodes: int) -> None:
    """Make a cluster; what was begun stays where it fails, to be looked at, until `down`."""
    if places.recall():
        raise LabError("a lab is up already: ./lab.sh down removes it")
    if not bundle.is_made(minor):
        bundle.make(minor)
    places.remember(minor=minor, network=network, nodes=nodes, kernel={}, servers=[])
    places.remember(kernel=kernel.prepare())
    wire.lay()
    places.remember(servers=wire.serve(places.bundle(minor)))
    wire.wait()
    for number in range(1, nodes + 1):
        wire.connect(number, machines.create(places.node_name(number)))
    declare(minor)
    play("site.yml")
    link = "mkdir -p /root/.kube && ln -sf /etc/kubernetes/admin.conf /root/.kube/config"
    machines.enter(places.node_name(1), "/bin/sh", "-c", link)


def upgrade(minor: str) -> None:
    """Declare the next minor and run the playbook that brings the cluster there."""
    known = places.recall()
    if not known:
        raise LabError("no lab is up: ./lab.sh up")
    if not bundle.is_made(minor):
        bundle.make(minor)
    wire.stop(known["servers"])
    places.remember(minor=minor, servers=wire.serve(places.bundle(minor)))
    wire.wait()
    declare(minor)
    play("upgrade.yml")


def declare(minor: str) -> Path:
    """Write the inventory that declares the nodes for a minor, from that minor's bundle."""
    known = places.recall()
    hosts = inventory.inventory(minor, known["network"], known["nodes"], bundle.describe(minor))
    path = places.home() / "inventory.json"
    path.write_text(json.dumps(hosts, indent=2))
    return path


def play(playbook: str, *arguments: str) -> None:
    """Run one of the collection's playbooks on the lab's nodes."""
    program = Path(sys.executable).parent / "ansible-playbook"
    argv = [program, "-i", places.home() / "inventory.json", *arguments, ROOT / "playbooks" / playbook]
    if subprocess.run(argv, env={**os.environ, **ANSIBLE}, check=False).returncode:
        raise LabError(f"playbooks/{playbook} did not come to its end; the nodes stay as they are: ./lab.sh enter NODE")


def down() -> None:
    """Take everything away that `up` has made; twice is fine."""
    known = places.recall()
    for number in range(1, known.get("nodes", 2) + 1):
        machines.destroy(places.node_name(number))
    wire.remove(known.get("servers", []))
    kernel.restore(known.get("kernel", {}))
    places.forget()
