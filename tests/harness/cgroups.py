"""The run's cgroups: a subtree named after the run, in which pytest and all that tests start have their place.

A process belongs to the run when its cgroup path holds the name, however often it was forked, orphaned or put into a
a new session. Written with plain file operations: the code under test has a cgroup part, which this must not trust.
"""

import contextlib
import errno
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from tests.harness import privacy

ROOT = Path("/sys/fs/cgroup")
NAME = f"orlop-test-{os.getpid()}"
PODS = f"/{NAME}/pods"
"""Parent of the pods' cgroups, for the daemon's configuration."""


def hierarchies() -> list[Path]:
    """Mount points of all cgroup hierarchies."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith(("cgroup ", "cgroup2 ")) and before.split()[4].startswith(str(ROOT)):
            found.append(Path(before.split()[4]))
    return sorted(set(found))


def is_v2() -> bool:
    """Whether the machine has only the unified hierarchy."""
    return (ROOT / "cgroup.controllers").exists()


def marker() -> Path:
    """The hierarchy whose paths mark the run's processes: one without controllers where there is one."""
    for name in ("systemd", "unified"):
        if (ROOT / name / "cgroup.procs").exists():
            return ROOT / name
    return ROOT if is_v2() else ROOT / "pids"


def enter() -> None:
    """Make the run's cgroup and move this process into it."""
    _remove_abandoned()
    home = marker() / NAME / "runner"
    home.mkdir(parents=True, exist_ok=True)
    (home / "cgroup.procs").write_text(str(os.getpid()))
    _mount_hugetlb()


def _remove_abandoned() -> None:
    """What runs that were killed could not end themselves: their processes and their cgroups."""
    for hierarchy in hierarchies():
        for path in hierarchy.glob("orlop-test-*"):
            if not os.path.exists(f"/proc/{path.name.removeprefix('orlop-test-')}"):
                with contextlib.suppress(OSError):
                    for procs in path.rglob("cgroup.procs"):
                        for pid in procs.read_text().split():
                            os.kill(int(pid), signal.SIGKILL)
                    remove(path, seconds=1)


def leave() -> None:
    """Move this process back to the root, end what is left of the run, and remove its cgroups."""
    (marker() / "cgroup.procs").write_text(str(os.getpid()))
    for pid in run_processes():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it ended by itself
    for hierarchy in hierarchies():
        remove(hierarchy / NAME)


def remove(path: Path, *, seconds: float = 3.0) -> None:
    """Remove a cgroup with all below it; waits for dying processes. Raises OSError with the path when they stay."""
    for directory, _, _ in os.walk(path, topdown=False):
        deadline = time.monotonic() + seconds
        while os.path.isdir(directory):
            try:
                os.rmdir(directory)
            except OSError as error:
                if error.errno != errno.EBUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


def run_processes() -> Iterator[int]:
    """Ids of all living processes of this run."""
    sign = f"/{NAME}/"
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                text = Path("/proc", entry, "cgroup").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if sign in text + "/":
                yield int(entry)


def below_run() -> Iterator[str]:
    """Cgroups that were made below the run's own, in every hierarchy."""
    own = (f"/{NAME}", PODS, f"/{NAME}/runner")
    for hierarchy in hierarchies():
        for directory, _, _ in os.walk(hierarchy / NAME):
            if not directory.endswith(own):
                yield directory.removeprefix(str(ROOT))


def elsewhere() -> Iterator[str]:
    """Cgroups outside of the run's that software under test may have made by mistake; other runs' are left out."""
    for hierarchy in hierarchies():
        for directory, children, _ in os.walk(hierarchy):
            children[:] = [name for name in children if not name.startswith(("orlop-test-", "lab-"))]
            if "orlop" in directory or "kubepods" in directory:
                yield directory.removeprefix(str(ROOT))


def another_daemon_lives() -> bool:
    """Whether an orlopd that is not of this run makes cgroups here too, as on a developer's machine."""
    own = set(run_processes())
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = entry.read_bytes()
            if (b"orlopd" in words or b"daemon_main" in words) and int(entry.parent.name) not in own:
                return True
    return False


def _mount_hugetlb() -> None:
    """crun wants every controller mounted, and some machines leave hugetlb out: make a /sys/fs/cgroup that has it.

    The machine's own is covered, in this run's mount namespace alone, by a tmpfs with its hierarchies and one more.
    """
    controllers = Path("/proc/cgroups").read_text() if Path("/proc/cgroups").exists() else ""
    if is_v2() or "hugetlb\t" not in controllers or (ROOT / "hugetlb" / "cgroup.procs").exists():
        return
    links = {path.name: os.readlink(path) for path in ROOT.iterdir() if path.is_symlink()}
    opened = {path.name: os.open(path, os.O_PATH) for path in hierarchies()}
    privacy.mount("tmpfs", str(ROOT), "tmpfs", 0, "mode=0755")
    for name, descriptor in opened.items():
        (ROOT / name).mkdir()
        privacy.mount(f"/proc/self/fd/{descriptor}", str(ROOT / name), None, privacy.MS_BIND)
        os.close(descriptor)
    for name, target in links.items():
        (ROOT / name).symlink_to(target)
    (ROOT / "hugetlb").mkdir()
    privacy.mount("cgroup", str(ROOT / "hugetlb"), "cgroup", 0, "hugetlb")
    # One hierarchy for all runs, whoever mounted it first; containers in user namespaces pass through.
    (ROOT / "hugetlb").chmod(0o555)
