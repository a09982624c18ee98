"""Processes by pid and start time: identity, signals without races, facts from /proc.

proc_pid_stat(5), pidfd_open(2), pidfd_send_signal(2).

A pid alone names nothing: it is used again. Everything here that acts takes the start time as well. Waiting for
children is not here (aio/reaper.py), nor is starting them (aio/process.py).
"""

import errno
import os
import signal
from typing import NamedTuple

CAP_SYS_RESOURCE = 24


class Stat(NamedTuple):
    """The few fields of /proc/<pid>/stat that are used."""

    state: str
    """One letter; Z and X are dead."""
    parent: int
    start: int
    """Clock ticks after boot."""


def read_stat(pid: int) -> Stat:
    """Parse /proc/<pid>/stat. Raises ProcessLookupError when there is no such process."""
    path = f"/proc/{pid}/stat"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            text = os.read(fd, 4096)
        finally:
            os.close(fd)
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH), path) from None
    # The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    fields = text[text.rindex(b")") + 2 :].split()
    return Stat(fields[0].decode(), int(fields[1]), int(fields[19]))


def start_time(pid: int) -> int:
    """Start of the process in clock ticks after boot. Raises ProcessLookupError when there is no such process."""
    return read_stat(pid).start


def alive(pid: int, start: int) -> bool:
    """Whether this very process still runs. A zombie does not."""
    try:
        stat = read_stat(pid)
    except ProcessLookupError:
        return False
    return stat.start == start and stat.state not in "ZX"


def open_pidfd(pid: int, start: int) -> int:
    """A pidfd of this very process (also of its zombie). Raises ProcessLookupError when it is gone or another one."""
    try:
        fd = os.pidfd_open(pid)
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno or 0), f"/proc/{pid}") from error
    # Compared after opening: the descriptor cannot move on to another process any more.
    try:
        if start_time(pid) == start:
            return fd
    except ProcessLookupError:
        pass  # reaped between the two calls: told below
    os.close(fd)
    raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH), f"/proc/{pid}")


def send_signal(pid: int, start: int, signo: int) -> bool:
    """Signal this very process; False when it is gone already. A pid that was used again is never hit."""
    try:
        fd = open_pidfd(pid, start)
    except ProcessLookupError:
        return False
    try:
        signal.pidfd_send_signal(fd, signo)
    except ProcessLookupError:
        return False
    finally:
        os.close(fd)
    return True


def children(pid: int) -> list[int]:
    """Direct children of all threads of a process; empty when it is gone."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return found
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found.extend(int(child) for child in file.read().split())
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread ended meanwhile
    return found


def cmdline(pid: int) -> list[str]:
    """The argument vector; empty for zombies, kernel threads, and a moment within execve(2).

    Raises ProcessLookupError when it is gone.
    """
    path = f"/proc/{pid}/cmdline"
    try:
        with open(path, "rb") as file:
            data = file.read()
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH), path) from None
    return [part.decode(errors="surrogateescape") for part in data.removesuffix(b"\0").split(b"\0")] if data else []


def has_capability(number: int) -> bool:
    """Whether this process has an effective capability (capabilities(7))."""
    with open("/proc/thread-self/status", "rb") as file:
        for line in file:
            if line.startswith(b"CapEff:"):
                return bool(int(line.split()[1], 16) >> number & 1)
    return False


def clamp_oom_score_adj(wanted: int) -> int:
    """The nearest oom_score_adj that this process may give a child.

    Without CAP_SYS_RESOURCE nobody may go below its own value (proc_pid_oom_score_adj(5)); an OCI runtime that tries
    fails the container.
    """
    wanted = max(-1000, min(1000, wanted))
    if has_capability(CAP_SYS_RESOURCE):
        return wanted
    with open("/proc/self/oom_score_adj", "rb") as file:
        return max(wanted, int(file.read()))
