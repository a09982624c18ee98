"""The one waiter, against real children, orphans and strangers."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orlop.aio import process, reaper
from orlop.aio.reaper import Reaper
from orlop.linux import processes, syscalls


async def _orphan(script: str) -> int:
    """A process whose parent has ended: now a child of this subreaper. The script prints its pid."""
    return int((await process.run(["sh", "-c", script])).stdout)


async def test_status_and_signal() -> None:
    assert await process.start(["sh", "-c", "exit 7"]).wait() == 7
    assert await process.start(["sh", "-c", "kill -TERM $$"]).wait() == -signal.SIGTERM


async def test_one_per_loop_and_subreaper() -> None:
    assert Reaper.current() is Reaper.current()
    assert syscalls.is_child_subreaper()


async def test_many_at_once() -> None:
    """SIGCHLD does not count: one may stand for many."""
    started = [process.start(["sh", "-c", f"exit {number}"]) for number in range(40)]
    assert await asyncio.gather(*(one.wait() for one in started)) == list(range(40))


async def test_wait_after_the_end_again_and_again() -> None:
    one = process.start(["true"])
    await one.wait()
    assert [await Reaper.current().wait(one.pid) for _ in range(2)] == [0, 0]


async def test_orphans_become_children() -> None:
    pid = await _orphan("(sleep 0.05; exit 5) >/dev/null 2>&1 & echo $!")
    assert await Reaper.current().wait(pid) == 5


async def test_orphans_that_ended_before_the_wait() -> None:
    pid = await _orphan("(sleep 0.05; exit 6) >/dev/null 2>&1 & echo $!")
    await asyncio.sleep(0.2)
    with pytest.raises(ProcessLookupError):
        processes.read_stat(pid)
    assert await Reaper.current().wait(pid) == 6


async def test_strangers_are_refused() -> None:
    for pid in (1, os.getpid(), 2**22 - 1):
        with pytest.raises(ChildProcessError, match=f"/proc/{pid}"):
            await Reaper.current().wait(pid)


async def test_start_time_guards_against_reuse() -> None:
    one = process.start(["sleep", "60"])
    start = processes.start_time(one.pid)
    with pytest.raises(ChildProcessError):
        await Reaper.current().wait(one.pid, start + 1)
    one.kill()
    assert await Reaper.current().wait(one.pid, start) == -signal.SIGKILL
    with pytest.raises(ChildProcessError):
        await Reaper.current().wait(one.pid, start + 1)


async def test_foreign_process_with_a_living_parent() -> None:
    parent = process.start(["sh", "-c", "sleep 60 & wait; sleep 60"])
    try:
        pid = await _child_of(parent.pid)
        waiting = asyncio.create_task(Reaper.current().wait_foreign(pid, processes.start_time(pid)))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        os.kill(pid, signal.SIGKILL)
        assert await asyncio.wait_for(waiting, 2) is None
    finally:
        parent.kill()
        await parent.wait()


async def _child_of(pid: int) -> int:
    for _ in range(400):
        if children := processes.children(pid):
            return children[0]
        await asyncio.sleep(0.005)
    raise AssertionError(f"{pid} makes no child")


async def test_foreign_process_that_becomes_ours() -> None:
    """Its parent ends while it is awaited; then its status can be had."""
    parent = process.start(["sh", "-c", "setsid sh -c 'sleep 0.2; exit 9' & wait"])
    pid = await _child_of(parent.pid)
    waiting = asyncio.create_task(Reaper.current().wait_foreign(pid, processes.start_time(pid)))
    await asyncio.sleep(0.02)
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    assert not waiting.done()
    assert await asyncio.wait_for(waiting, 2) == 9


async def test_foreign_that_is_gone() -> None:
    one = process.start(["true"])
    start = processes.start_time(one.pid)
    await one.wait()
    assert await Reaper.current().wait_foreign(one.pid, start) == 0
    assert await Reaper.current().wait_foreign(2**22 - 1, 1) is None


async def test_a_cancelled_waiter_leaves_the_others() -> None:
    one = process.start(["sleep", "0.1"])
    first, second = (asyncio.create_task(Reaper.current().wait(one.pid)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    assert await second == 0
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_kept_statuses_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaper, "KEPT", 3)
    started = [process.start(["true"]) for _ in range(5)]
    for one in started:
        await one.wait()
    assert len(Reaper.current()._ended) == 3


async def test_an_adopted_child_is_not_taken_for_an_old_one() -> None:
    current = Reaper.current()
    pid = await _orphan("(sleep 0.1; exit 5) >/dev/null 2>&1 & echo $!")
    current._ended[pid] = (1, 0)
    assert await current.wait(pid) == 5


async def test_a_new_child_is_not_taken_for_an_old_one() -> None:
    current = Reaper.current()
    one = process.start(["sh", "-c", "exit 3"])
    current._ended[one.pid] = (1, 0)  # as if a process with this pid had ended long ago
    current.expect(one.pid)
    assert await current.wait(one.pid) == 3


def test_loops_outside_the_main_thread() -> None:
    """No signal handlers there: pidfds do it, and leave the descriptors as they were."""

    async def work() -> list[int]:
        before = len(os.listdir("/proc/self/fd"))
        started = [process.start(["sh", "-c", f"exit {number}"]) for number in range(5)]
        statuses = [await one.wait() for one in started]
        finished = await process.run(["sh", "-c", "(sleep 0.05; exit 4) >/dev/null 2>&1 & echo $!"])
        statuses.append(await Reaper.current().wait(int(finished.stdout)))
        await asyncio.sleep(0)
        assert len(os.listdir("/proc/self/fd")) == before
        return statuses

    async def outer() -> list[int]:
        return await asyncio.to_thread(asyncio.run, work())

    assert asyncio.run(outer()) == [0, 1, 2, 3, 4, 4]


def test_loops_one_after_the_other() -> None:
    async def work() -> tuple[int, int]:
        return id(Reaper.current()), await process.start(["sh", "-c", "exit 2"]).wait()

    results = [asyncio.run(work()) for _ in range(3)]
    assert [status for _, status in results] == [2, 2, 2]
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL


async def test_close_frees_the_signal() -> None:
    Reaper.current().close()
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL
    assert not syscalls.is_child_subreaper()
    assert await process.start(["true"]).wait() == 0
    assert syscalls.is_child_subreaper()


def test_what_ended_before_the_reaper_came_is_reaped() -> None:
    """In a process of its own, whose child is a zombie before any loop runs."""
    code = """
import asyncio, os, subprocess
from orlop.aio.reaper import Reaper
child = subprocess.Popen(["sh", "-c", "exit 8"])
os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
child.returncode = 0
async def main():
    print(await Reaper.current().wait(child.pid))
asyncio.run(main())
"""
    env = {"PYTHONPATH": str(Path(reaper.__file__).parents[2])}
    answer = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "8"
