"""A node's own cgroup in every hierarchy of the kernel, version 1 and 2 alike. What runs in them is in nodes."""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = "lab-cgroup-"


def enter_own(name: str) -> None:
    """Make the node's cgroups and move this process into them: what it starts stays there."""
    with _hierarchies() as mounted:
        for root in mounted.values():
            directory = root / f"lab-{name}"
            directory.mkdir(exist_ok=True)
            _inherit_cpuset(directory)
            (directory / "cgroup.procs").write_text(str(os.getpid()))


def join_those_of(pid: int) -> None:
    """Move this process to the cgroups of another, hierarchy by hierarchy."""
    with _hierarchies() as mounted:
        for controllers, path in _memberships(str(pid)):
            if controllers in mounted:
                (mounted[controllers] / path.lstrip("/") / "cgroup.procs").write_text(str(os.getpid()))


def remove(name: str) -> None:
    """Take the node's cgroups away, deepest first; those who have just ended may hold one for a moment."""
    with _hierarchies() as mounted:
        for root in mounted.values():
            directory = root / f"lab-{name}"
            for path in [path for path, _, _ in os.walk(directory, topdown=False)]:
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


@contextlib.contextmanager
def _hierarchies() -> Iterator[dict[str, Path]]:
    """Controllers as /proc/PID/cgroup names them → where that hierarchy is mounted whole.

    A hierarchy that is alive but not mounted here is mounted for the moment: nspawn mounts it in the node all the same,
    and a node without a cgroup of its own there would write at its root.
    """
    mounted = _mounted()
    missing = [controllers for controllers, _ in _memberships("self") if controllers and controllers not in mounted]
    with contextlib.ExitStack() as undo:
        for controllers in missing:
            place = Path(tempfile.mkdtemp(prefix=PREFIX))
            undo.callback(place.rmdir)  # never a whole tree: what is mounted there are cgroups
            subprocess.run(["mount", "-t", "cgroup", "-o", controllers, "cgroup", place], check=True)
            undo.callback(subprocess.run, ["umount", "--lazy", place], check=True)
            mounted[controllers] = place
        yield mounted


def _mounted() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        root, point = fields.split()[3:5]
        if Path(point).name.startswith(PREFIX):
            continue  # another process has it for its own moment, which may end before ours
        if kind == "cgroup2" and root == "/":
            found[""] = Path(point)
        elif kind == "cgroup" and root == "/":
            names = [o for o in options.split(",") if o not in ("rw", "xattr", "clone_children") and "agent" not in o]
            found[",".join(names)] = Path(point)
    return found


def _memberships(pid: str) -> list[tuple[str, str]]:
    """Controllers and path of each of a process's cgroups."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return [(line.split(":", 2)[1], line.split(":", 2)[2]) for line in lines]


def _inherit_cpuset(directory: Path) -> None:
    """A new cpuset of version 1 is empty and takes no process until it is filled."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        mine, parents = directory / name, directory.parent / name
        if mine.exists() and parents.exists() and not mine.read_text().strip():
            mine.write_text(parents.read_text())
