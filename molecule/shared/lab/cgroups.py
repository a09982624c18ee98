"""A node's own cgroup in every hierarchy of the host, version 1 and 2 alike. What runs in them is in nodes."""

import os
import time
from collections.abc import Iterator
from pathlib import Path


def enter_own(name: str) -> None:
    """Make the node's cgroups and move this process into them: what it starts stays there."""
    for directory in _directories(name):
        directory.mkdir(exist_ok=True)
        _inherit_cpuset(directory)
        (directory / "cgroup.procs").write_text(str(os.getpid()))


def join_those_of(pid: int) -> None:
    """Move this process to the cgroups of another, hierarchy by hierarchy."""
    mounted = _hierarchies()
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in mounted:
            (mounted[controllers] / path.lstrip("/") / "cgroup.procs").write_text(str(os.getpid()))


def remove(name: str) -> None:
    """Take the node's cgroups away, deepest first; those who have just ended may hold one for a moment."""
    for directory in _directories(name):
        if not directory.is_dir():
            continue
        for path in [*(d for d, _, _ in os.walk(directory, topdown=False))]:
            _remove_one(Path(path))


def _remove_one(path: Path) -> None:
    for _ in range(100):
        try:
            path.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.05)
    path.rmdir()


def _directories(name: str) -> Iterator[Path]:
    for mounted in _hierarchies().values():
        yield mounted / f"lab-{name}"


def _hierarchies() -> dict[str, Path]:
    """Controllers as /proc/PID/cgroup names them → where that hierarchy is mounted whole."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        root, point = fields.split()[3:5]
        if kind == "cgroup2" and root == "/":
            found[""] = Path(point)
        elif kind == "cgroup" and root == "/":
            names = [o for o in options.split(",") if o not in ("rw", "xattr", "clone_children") and "agent" not in o]
            found[",".join(names)] = Path(point)
    return found


def _inherit_cpuset(directory: Path) -> None:
    """A new cpuset of version 1 is empty and takes no process until it is filled."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        mine, parents = directory / name, directory.parent / name
        if mine.exists() and parents.exists() and not mine.read_text().strip():
            mine.write_text(parents.read_text())
