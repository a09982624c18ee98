"""Where lab nodes are kept, and what is remembered of one. Nothing is started or removed here."""

import json
import os
import re
from pathlib import Path
from typing import Any


class LabError(Exception):
    """A lab node could not be made or found; the text says what to do."""


def cache() -> Path:
    """What may be kept between runs: the base tree and the tools."""
    named = os.environ.get("ORLOP_LAB_CACHE")
    base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or "/var/cache") / "orlop-lab"
    base.mkdir(parents=True, exist_ok=True)
    return base


def node(name: str) -> Path:
    """The directory of one node: its tree below `root`, its console and its processes beside it."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
        raise LabError(f"{name!r} is no name for a node: lower-case letters, digits and dashes, a letter first")
    return cache() / "nodes" / name


def existing() -> list[str]:
    """Names of all nodes, running or half made."""
    return sorted(path.name for path in (cache() / "nodes").glob("*"))


def remember(name: str, **facts: Any) -> None:
    """Add facts to what is known of a node."""
    path = node(name) / "state.json"
    path.write_text(json.dumps({**recall(name), **facts}, indent=2))


def recall(name: str) -> dict[str, Any]:
    """What is known of a node; empty where it does not exist."""
    try:
        known: dict[str, Any] = json.loads((node(name) / "state.json").read_text())
    except FileNotFoundError:
        return {}
    return known
