"""The lab's nodes: made and removed by molecule/shared/lab, which is used as the scenarios use it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.lab.places import NODES, REGISTRY, run

MIRRORED = ("registry.k8s.io", "ghcr.io", "registry.lab")


def create(name: str, *, mirrored: bool = True) -> int:
    """A booted Debian node, with the lab's registry as mirror; returns its first process, as the machine numbers it."""
    run(sys.executable, NODES, "create", name)
    if mirrored:
        directory = tree(name) / "etc/containers/registries.conf.d"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "50-lab.conf").write_text("\n".join(_mirrored(host) for host in MIRRORED))
    return leader(name)


def leader(name: str) -> int:
    """A node's first process, as the machine numbers it."""
    number: int = _known(name)["leader"][0]
    return number


def tree(name: str) -> Path:
    """A node's file tree, as the machine sees it."""
    return Path(_known(name)["root"])


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


def _known(name: str) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(run(sys.executable, NODES, "show", name))
    return known


def _mirrored(host: str) -> str:
    return f"""[[registry]]
prefix = "{host}"
location = "{host}"

[[registry.mirror]]
location = "{REGISTRY}"
insecure = true
"""
