"""Runs the collection's playbooks on the lab's nodes, as a user runs them on any."""

import os
import subprocess
import sys
from pathlib import Path

from tests.lab import places
from tests.lab.places import ROOT, LabError

ANSIBLE = {
    "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    "ANSIBLE_CONNECTION_PLUGINS": str(ROOT / "molecule/shared/plugins/connection"),
    "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
}


def play(playbook: str, *arguments: str, hosts: Path | None = None) -> None:
    """Run one of the collection's playbooks on the lab's nodes, or on those of another inventory."""
    program = Path(sys.executable).parent / "ansible-playbook"
    argv = [program, "-i", hosts or places.home() / "inventory.json", *arguments, ROOT / "playbooks" / playbook]
    if subprocess.run(argv, env={**os.environ, **ANSIBLE}, check=False).returncode:
        raise LabError(f"playbooks/{playbook} did not come to its end; the nodes stay as they are: ./lab.sh enter NODE")
