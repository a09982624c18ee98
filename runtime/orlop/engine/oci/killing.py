"""Killing a command in a container with all that it started, while the container's other processes go on."""

import os
import signal
from collections.abc import Callable, Iterable

from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.linux.processes import read_stat, send_signal


def kill_tree(pid: int, start: int, *, hierarchy: Hierarchy | None = None, cgroup: str = "") -> None:
    """SIGKILL a process and its descendants. Blocks for some milliseconds.

    With the container's cgroup it is frozen meanwhile, so that nobody can fork away. Without, all processes of the node
    are looked at. Descendants are children of children, and whoever is in a session that one of them leads: that finds
    those whose parent has ended.
    """
    frozen = hierarchy is not None and bool(cgroup) and hierarchy.exists(cgroup)
    if hierarchy is None or not frozen:
        _kill_until_none_is_new({pid: start}, _all_pids)
        return
    hierarchy.freeze(cgroup)
    try:
        _kill_until_none_is_new({pid: start}, lambda: hierarchy.pids(cgroup))
    finally:
        # Killed but frozen processes die (cgroup v1) only when they are thawed.
        hierarchy.thaw(cgroup)


def _kill_until_none_is_new(doomed: dict[int, int], candidates: Callable[[], Iterable[int]]) -> None:
    """Freezing and killing take effect a little later than asked for: look again until nobody new is found."""
    new = dict(doomed)
    while new:
        for pid, start in new.items():
            send_signal(pid, start, signal.SIGKILL)
        new = _descendants(doomed, candidates())
        doomed |= new


def _descendants(doomed: dict[int, int], candidates: Iterable[int]) -> dict[int, int]:
    """Those among the candidates, not yet doomed, that descend from the doomed: pid to start time."""
    found: dict[int, int] = {}
    living = {pid: relation for pid in candidates if pid not in doomed and (relation := _relation(pid))}
    grown = True
    while grown:
        related = [
            pid
            for pid, (_, parent, session) in living.items()
            if not {parent, session}.isdisjoint(doomed) or not {parent, session}.isdisjoint(found)
        ]
        found |= {pid: living.pop(pid)[0] for pid in related}
        grown = bool(related)
    return found


def _relation(pid: int) -> tuple[int, int, int] | None:
    """Start time, parent and session of a living process."""
    try:
        stat = read_stat(pid)
        return (stat.start, stat.parent, os.getsid(pid)) if stat.state not in "ZX" else None
    except ProcessLookupError:
        return None  # ended meanwhile


def _all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]
