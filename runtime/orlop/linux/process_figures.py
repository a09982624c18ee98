"""What a group of processes holds: threads, open files, sockets, from /proc. A walk over their descriptors: it blocks.

One process at a time is in processes.py; limits and counts of cgroups are in cgroups/.
"""

import os
from collections.abc import Iterable

import msgspec

from orlop.linux.files import read_text


class ProcessFigures(msgspec.Struct, frozen=True):
    """Sums over the processes that were still there."""

    processes: int = 0
    threads: int = 0
    descriptors: int = 0
    sockets: int = 0


def process_figures(pids: Iterable[int]) -> ProcessFigures:
    """Count. Processes that end meanwhile are left out."""
    processes = threads = descriptors = sockets = 0
    for pid in pids:
        try:
            tasks = len(os.listdir(f"/proc/{pid}/task"))
            kinds = _descriptors(f"/proc/{pid}/fd")
        except OSError:  # it has ended
            continue
        processes += 1
        threads += tasks
        descriptors += len(kinds)
        sockets += sum(kind.startswith("socket:") for kind in kinds)
    return ProcessFigures(processes, threads, descriptors, sockets)


def _descriptors(directory: str) -> list[str]:
    """What each open descriptor refers to."""
    found = []
    for name in os.listdir(directory):
        try:
            found.append(os.readlink(f"{directory}/{name}"))
        except FileNotFoundError:  # closed meanwhile
            continue
    return found


def open_files_limit(pid: int) -> int | None:
    """The soft limit on open files of a process; None where it has none, or the process has ended."""
    try:
        text = read_text(f"/proc/{pid}/limits")
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("Max open files"):
            soft = line.removeprefix("Max open files").split()[0]
            return int(soft) if soft.isdecimal() else None
    return None
