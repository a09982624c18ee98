"""Child processes of the test process."""

import contextlib
import ctypes
import os
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def adopt_none() -> None:
    """Undo what a test of the reaper left: as a subreaper pytest would get zombies that no test waits for."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(0), *(ctypes.c_ulong(0),) * 3) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


def of_this_process() -> dict[int, str]:
    """Process id to command line, zombies included; "(zombie)" is their command line."""
    found = {}
    for task in Path("/proc/self/task").iterdir():
        try:
            text = (task / "children").read_text()
        except OSError:
            continue
        found.update({int(pid): command_line(int(pid)) for pid in text.split()})
    return found


def command_line(pid: int) -> str:
    """Command line of a process in one line; "(zombie)" for those that have none left, empty for the gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    return " ".join(words).strip() or "(zombie)"


def wait_until_only(allowed: dict[int, str], *, seconds: float = 2.0) -> dict[int, str]:
    """Children beyond the allowed ones that live on after a moment to go.

    Zombies are reaped and do not count: a test of the reaper makes pytest adopt orphans, which may die after it. For a
    direct child that was forgotten Popen and asyncio give a ResourceWarning, and warnings are errors.
    """
    deadline = time.monotonic() + seconds
    while left := _living_beyond(allowed):
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return left


def _living_beyond(allowed: dict[int, str]) -> dict[int, str]:
    left = {pid: line for pid, line in of_this_process().items() if pid not in allowed}
    for pid in [pid for pid, line in left.items() if line == "(zombie)"]:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        del left[pid]
    return left


def parent(pid: int) -> int:
    """Parent's id; 0 when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def is_me(pid: int) -> bool:
    """Whether it is this very process."""
    return pid == os.getpid()
