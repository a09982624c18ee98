"""Cgroup paths, walks over a hierarchy's directories, and removal: what both versions share.

No controller is known here.
"""

import errno
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator


def below(mount: str, path: str) -> str:
    """The directory of a cgroup path below a mount. Raises ValueError for a path that is not absolute or climbs."""
    if not path.startswith("/") or "\0" in path or ".." in path.split("/"):
        raise ValueError(f"not a cgroup path: {path!r}")
    return mount + path.rstrip("/") if path.strip("/") else mount


def levels(path: str) -> list[str]:
    """The path and its parents, the outermost first, without the root: "/a/b" is ["/a", "/a/b"]."""
    parts = [part for part in path.split("/") if part]
    return ["/" + "/".join(parts[: depth + 1]) for depth in range(len(parts))]


def make_directory(directory: str) -> bool:
    """mkdir(2); False when it is there already."""
    try:
        os.mkdir(directory, 0o755)
    except FileExistsError:
        return False
    return True


def tree(directory: str) -> Iterator[str]:
    """The directory and all below it, parents first; nothing when it is not there."""
    try:
        with os.scandir(directory) as entries:
            inner = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return
    yield directory
    for child in inner:
        yield from tree(child)


def processes_in(directory: str) -> list[int]:
    """Processes of a cgroup directory and all below it."""
    found: list[int] = []
    for inner in tree(directory):
        try:
            with open(f"{inner}/cgroup.procs", "rb") as file:
                # 0 stands for a process outside of our PID namespace; as an argument of kill(2) it is our own group.
                found += [pid for pid in map(int, file.read().split()) if pid > 0]
        except OSError as error:
            # It went meanwhile; a v2 threaded cgroup has no list of processes (its domain's has them).
            if error.errno not in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
                raise
    return found


def remove_directories(directories: Iterable[str], *, limit: float = 1.0) -> None:
    """rmdir(2) of directories and all below them, the deepest first.

    EBUSY (a process is dying) is retried for `limit`.
    """
    deadline = time.monotonic() + limit
    pause = 0.001
    left = list(directories)
    while True:
        errors = {directory: error for directory in left if (error := _remove_tree(directory)) is not None}
        left = list(errors)
        if not left:
            return
        if time.monotonic() > deadline:
            raise errors[left[0]]
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def _remove_tree(directory: str) -> OSError | None:
    """One try; the error when it is worth another one."""
    try:
        for inner in reversed(list(tree(directory))):
            os.rmdir(inner)
    except FileNotFoundError as error:
        return error if os.path.isdir(directory) else None  # systemd or the OCI runtime was faster
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.ENOTEMPTY):
            raise
        return error
    return None


def kill_until_empty(path: str, list_pids: Callable[[], list[int]], strike: Callable[[], None], limit: float) -> None:
    """Strike again until no process is left; OSError EBUSY with the pids that stay beyond `limit` seconds."""
    deadline = time.monotonic() + limit
    pause = 0.001
    while True:
        left = list_pids()
        if not left:
            return
        if time.monotonic() > deadline:
            shown = ", ".join(map(str, left[:5]))
            raise OSError(errno.EBUSY, f"processes do not die from SIGKILL: {shown}", path)
        strike()
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def kill_each(pids: list[int]) -> None:
    """SIGKILL to pids just read from a frozen cgroup: frozen, none can end and leave its pid to another."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it ended before the freezing
