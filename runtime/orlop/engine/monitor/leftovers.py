"""What a conmon leaves behind: its socket directory's link, its exit file, and, of a creation that failed, itself."""

import os
import signal
import time

from orlop.linux.files import read_text_or, remove_file
from orlop.linux.processes import children, cmdline, read_stat


def remove_leftovers(container_id: str, *, socket_dir: str, exit_dir: str) -> None:
    """Remove a container's traces in the shared directories; none there is fine. conmon before 2.1.7 never does."""
    remove_file(os.path.join(socket_dir, container_id))
    remove_file(os.path.join(exit_dir, container_id))


def kill_monitor(bundle: str) -> None:
    """Kill the conmon of this bundle, and what it started (an OCI runtime that hangs, for instance).

    It is known by its pid file. One that was stopped between its fork and that file has become our child, as the orphan
    of a process of ours.
    """
    text = read_text_or(os.path.join(bundle, "conmon-pidfile"), "")
    known = [int(text)] if text.isdecimal() else []
    for pid in {*known, *children(os.getpid())}:
        if _is_monitor_of(pid, bundle):
            _kill_with_children(pid)


def kill_orphaned_monitor(bundle: str) -> None:
    """The same when its daemon has died: it goes on, as whoever's child, and perhaps has no pid file yet."""
    if not os.path.isabs(bundle):
        raise ValueError(f"{bundle!r} is not the path of a bundle")  # an empty one would fit processes of others
    for name in os.listdir("/proc"):
        if name.isdecimal() and _is_monitor_of(int(name), bundle):
            _kill_with_children(int(name))


def _is_monitor_of(pid: int, bundle: str) -> bool:
    """The pid file may outlive its process, and the pid go to another."""
    try:
        return bundle in cmdline(pid)
    except ProcessLookupError:
        return False


def _kill_with_children(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGSTOP)  # so that it starts no more
        _wait_until_stopped(pid)
        for child in children(pid):
            _kill_with_children(child)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # gone already


def _wait_until_stopped(pid: int) -> None:
    """A signal takes effect when the process next leaves the kernel: after a fork that is under way, for instance."""
    for _ in range(50):
        if read_stat(pid).state in "TtZX":
            return
        time.sleep(0.001)
