"""Moves that are kept ready: written as long as somebody holds them, and never in anybody's way."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orlop.linux.cgroups.detection import detect
from orlop.linux.cgroups.moving import ReadyMoves


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def keepers() -> int:
    return sum(thread.name == "orlop-ready-moves" for thread in threading.enumerate())


def test_it_writes_while_held_by_anybody_and_ends(tmp_path: Path) -> None:
    procs = tmp_path / "cgroup.procs"
    procs.touch()
    until(lambda: keepers() == 0)  # other tests'
    moves = ReadyMoves(lambda: str(procs))
    with moves.held():
        with moves.held():
            until(lambda: len(procs.read_bytes()) > 2)
        written = len(procs.read_bytes())
        until(lambda: len(procs.read_bytes()) > written + 5)  # longer than it lingers
        assert keepers() == 1
    until(lambda: keepers() == 0)
    assert set(procs.read_bytes()) == set(b"0")
    with moves.held():  # and again
        until(lambda: keepers() == 1)
    until(lambda: keepers() == 0)


def test_without_the_file_nothing_fails(tmp_path: Path) -> None:
    moves = ReadyMoves(lambda: str(tmp_path / "none"))
    for _ in range(2):
        with moves.held():
            until(lambda: keepers() == 0)


@pytest.mark.root
def test_it_moves_this_process_nowhere() -> None:
    before, hierarchy = Path("/proc/self/cgroup").read_text(), detect()
    calls: list[str] = []

    def own() -> str:
        calls.append(hierarchy.own_procs())
        return calls[-1]

    with ReadyMoves(own).held():
        until(lambda: bool(calls))
    until(lambda: keepers() == 0)
    assert str(threading.main_thread().native_id) in Path(calls[0]).read_text().split()
    assert Path("/proc/self/cgroup").read_text() == before
