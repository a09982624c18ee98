"""Processes that outlive the one that starts them, known by number and start time; and waiting for things."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import places

T = TypeVar("T")

SHUTDOWN_SECONDS = 20


def start(argv: list[str], env: dict[str, str], log: Path, *, before: Callable[[], None] | None = None) -> int:
    """A process that outlives this one; `before` is what it does first, before it becomes the program."""
    with open(log, "ab") as output:
        started = subprocess.Popen(
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=before,  # this program has one thread
        )
    return started.pid


def end(who: list[int], *, politely: int | None = None) -> None:
    """End a process, where it is still that one: by a signal that asks it to, and if need be by force."""
    pid, _ = who
    if politely and runs(who):
        os.kill(pid, politely)
        with contextlib.suppress(places.LabError):
            wait(SHUTDOWN_SECONDS, lambda: not runs(who), "")
    if runs(who):
        os.kill(pid, signal.SIGKILL)
        wait(SHUTDOWN_SECONDS, lambda: not runs(who), f"process {pid} does not end")


def identity(pid: int) -> list[int]:
    """Number and start time: a number alone may by now be someone else's."""
    return [pid, int(_stat(pid)[19])]


def runs(who: list[int]) -> bool:
    """Whether this very process is there and no zombie."""
    try:
        stat = _stat(who[0])
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(stat[19]) == who[1] and stat[0] != "Z"


def wait(seconds: float, ask: Callable[[], T], otherwise: str) -> T:
    """The first true answer within the time, or LabError."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.05)
    raise places.LabError(otherwise)


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
