"""Where the lab keeps its things, and the names and addresses that all of it agrees on. Nothing is started here."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NODES = ROOT / "molecule" / "shared" / "lab"
"""Makes, enters and removes single nodes."""
NETNS = "orlop-lab"
"""The network namespace of the wire between nodes: registry and files are served in it, and nowhere else."""
WIRE = "10.77.0"
HOST = f"{WIRE}.1"
REGISTRY = f"{HOST}:5000"
FILES = f"{HOST}:8000"
API = f"{HOST}:6443"
"""The API server's address where there are several: the balancer's."""
POD_CIDR, SERVICE_CIDR = "10.244.0.0/16", "10.96.0.0/16"
BRIDGED = "10.244.10{}.0/24"
"""A node's own part of the pods' addresses where its network is a bridge, by its number."""
MINORS = ("1.35", "1.36", "1.37")


class LabError(Exception):
    """The lab could not do what was asked; the text says what to do."""


def home() -> Path:
    """What may be kept between runs: bundles, and the state of what is up."""
    named = os.environ.get("ORLOP_LAB_HOME")
    path = Path(named) if named else ROOT / ".cache" / "lab"
    path.mkdir(parents=True, exist_ok=True)
    return path


def bundle(minor: str) -> Path:
    """One minor's bundle: `bin/`, `registry/`, and `bundle.json`, which is written last."""
    if minor not in MINORS:
        raise LabError(f"minor {minor} is not one of {', '.join(MINORS)}")
    return home() / "bundles" / minor


def node_name(number: int) -> str:
    """The first node is the control plane."""
    return f"lab-node-{number}"


def address(number: int) -> str:
    """A node's address on the wire."""
    return f"{WIRE}.{10 + number}"


def recall() -> dict[str, Any]:
    """What is known of the lab that is up; empty where none is."""
    try:
        known: dict[str, Any] = json.loads((home() / "state.json").read_text())
    except FileNotFoundError:
        return {}
    return known


def remember(**facts: Any) -> None:
    """Add facts to it."""
    (home() / "state.json").write_text(json.dumps({**recall(), **facts}, indent=2))


def forget() -> None:
    """Nothing is up any more."""
    (home() / "state.json").unlink(missing_ok=True)


def run(*argv: str | Path, **options: Any) -> str:
    """A command's output; a failure is told with what the command said."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise LabError(f"{' '.join(map(str, argv))}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
