"""The lab's nodes: made and removed by molecule/shared/lab, which is used as the scenarios use it."""

import json
import subprocess
import sys
from pathlib import Path

from tests.lab.places import NODES, REGISTRY, run

MIRRORED = ("registry.k8s.io", "ghcr.io", "registry.lab")


def create(name: str) -> int:
    """A booted Debian node with the lab's registry as mirror; returns its first process, as the machine numbers it."""
    run(sys.executable, NODES, "create", name)
    known = json.loads(run(sys.executable, NODES, "show", name))
    directory = Path(known["root"], "etc/containers/registries.conf.d")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "50-lab.conf").write_text("\n".join(_mirrored(host) for host in MIRRORED))
    leader: int = known["leader"][0]
    return leader


def destroy(name: str) -> None:
    """Take a node away; one that does not exist is fine."""
    run(sys.executable, NODES, "destroy", name)


def enter(name: str, *argv: str, stdin: str | None = None, check: bool = True) -> str:
    """A command's output in a node."""
    if check:
        return run(*within(name), *argv, input=stdin)
    done = subprocess.run([*within(name), *argv], input=stdin, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def within(name: str) -> list[str]:
    """What goes before a command that is run in a node."""
    return [sys.executable, str(NODES), "enter", name]


def _mirrored(host: str) -> str:
    return f"""[[registry]]
prefix = "{host}"
location = "{host}"

[[registry.mirror]]
location = "{REGISTRY}"
insecure = true
"""
