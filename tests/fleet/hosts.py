"""The simulated hosts: lab nodes that share the tree of one that was provisioned, each with systemd and a daemon."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "molecule" / "shared" / "lab"
BASE = "fleet-base"


class FleetError(Exception):
    """The measurement cannot go on; the text says why."""


def lab(*argv: str) -> str:
    """What a verb of the lab prints."""
    done = subprocess.run([sys.executable, str(LAB), *argv], capture_output=True, text=True, check=False)
    if done.returncode:
        raise FleetError(f"lab {' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


class Fleet:
    """Hosts by name, with the number of the first process of each."""

    def __init__(self) -> None:
        self.leaders: dict[str, int] = {}

    def base(self) -> None:
        """A bare host, to be provisioned; the others are like it."""
        self._create(BASE)

    def seal(self) -> None:
        """The base has been provisioned: it is stopped, and is no host any more."""
        lab("stop", BASE)
        del self.leaders[BASE]

    def grow(self, count: int) -> None:
        """As many hosts as the count, all of them converged."""
        while len(self.leaders) < count:
            self._create(f"fleet-{len(self.leaders) + 1}", "--like", BASE)

    def _create(self, name: str, *how: str) -> None:
        lab("create", name, *how)
        self.leaders[name] = json.loads(lab("show", name))["leader"][0]


@contextmanager
def fleet() -> Iterator[Fleet]:
    """Nothing of it is left at the end."""
    _remove()
    try:
        yield Fleet()
    finally:
        _remove()


def _remove() -> None:
    names = [name for name in lab("list").split() if name.startswith("fleet-")]
    # The base last: the others lie on it.
    for name in sorted(names, key=lambda each: each == BASE):
        lab("destroy", name)
