"""Killing a command in a container with all that it started, while the container's other processes go on."""

import os
import signal
import time
from collections.abc import Callable, Iterable

from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.linux.processes import read_stat, send_signal

SETTLE = 0.002
"""Seconds between two looks: above what a fork takes."""


def kill_tree(pid: int, start: int, *, hierarchy: Hierarchy | None = None, cgroup: str = "") -> None:
    """SIGKILL a process and its descendants. Blocks for some milliseconds.

    With the container's cgroup it is frozen meanwhile, so that nobody can fork away. Without, all processes of the node
    are looked at. Descendants are children of children, and whoever is in the process's session or in one that a
    descendant leads: that finds those whose parent has ended. The process must have a session that is not the caller's.
    """
    if hierarchy is None or not cgroup or not hierarchy.exists(cgroup):
        _kill_all(pid, start, _all_pids)
        return
    hierarchy.freeze(cgroup)
    try:
        _kill_all(pid, start, lambda: hierarchy.pids(cgroup))
    finally:
        # Killed but frozen processes die (cgroup v1) only when they are thawed.
        hierarchy.thaw(cgroup)


def _kill_all(pid: int, start: int, candidates: Callable[[], Iterable[int]]) -> None:
    """Stop the family before any of it is killed: the children of a dead process are nobody's.

    Freezing and stopping take effect a little later than asked for, and a fork may be under way: we look until nobody
    new is found twice.
    """
    sessions = {pid, _session(pid)} - {os.getsid(0)}
    doomed: dict[int, int] = {}
    new = {pid: start}
    quiet = 0
    while quiet < 2:
        _signal(new, signal.SIGSTOP)
        doomed |= new
        if quiet:
            time.sleep(SETTLE)
        new = _descendants(doomed, sessions, candidates())
        quiet = 0 if new else quiet + 1
    _signal(doomed, signal.SIGKILL)


def _signal(processes: dict[int, int], number: int) -> None:
    for pid, start in processes.items():
        send_signal(pid, start, number)


def _descendants(doomed: dict[int, int], sessions: set[int], candidates: Iterable[int]) -> dict[int, int]:
    """Those among the candidates, not yet doomed, that belong to the family: pid to start time."""
    found: dict[int, int] = {}
    living = {pid: relation for pid in candidates if pid not in doomed and (relation := _relation(pid))}
    related: list[int] | None = None
    while related is None or related:
        family = doomed.keys() | found.keys()
        related = [pid for pid, (_, parent, sid) in living.items() if parent in family or sid in family | sessions]
        found |= {pid: living.pop(pid)[0] for pid in related}
    return found


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return pid


def _relation(pid: int) -> tuple[int, int, int] | None:
    """Start time, parent and session of a living process."""
    try:
        stat = read_stat(pid)
        return (stat.start, stat.parent, os.getsid(pid)) if stat.state not in "ZX" else None
    except ProcessLookupError:
        return None  # ended meanwhile


def _all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]
