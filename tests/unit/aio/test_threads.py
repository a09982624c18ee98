"""Calls in other threads."""

import asyncio
import threading
import time
from contextvars import ContextVar

import pytest

from orlop.aio.threads import POOL_SIZE, in_own_thread, offload

variable: ContextVar[str] = ContextVar("variable", default="none")


async def test_offload_passes_arguments_results_and_context() -> None:
    variable.set("request 1")

    def work(a: int, *, b: int) -> tuple[int, bool, str]:
        return a + b, threading.current_thread() is threading.main_thread(), variable.get()

    assert await offload(work, 1, b=2) == (3, False, "request 1")


async def test_offload_carries_exceptions() -> None:
    with pytest.raises(FileNotFoundError):
        await offload(open, "/nowhere/at/all")


async def test_offload_is_bounded_and_parallel() -> None:
    running, highest = 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal running, highest
        with lock:
            running += 1
            highest = max(highest, running)
        time.sleep(0.02)
        with lock:
            running -= 1

    await asyncio.gather(*(offload(work) for _ in range(POOL_SIZE * 2)))
    assert 2 <= highest <= POOL_SIZE


async def test_own_thread_is_fresh_and_gone() -> None:
    variable.set("request 2")
    threads = [await in_own_thread(threading.current_thread) for _ in range(2)]
    assert threads[0] is not threads[1]
    assert not any(thread.is_alive() for thread in threads)
    assert await in_own_thread(variable.get) == "request 2"


async def test_own_thread_carries_exceptions() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_own_thread(lambda: 1 // 0)


async def test_a_cancelled_caller_does_not_wait() -> None:
    release, ended = threading.Event(), threading.Event()

    def work() -> None:
        release.wait(5)
        ended.set()

    caller = asyncio.create_task(in_own_thread(work))
    await asyncio.sleep(0.01)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert not ended.is_set()
    release.set()
    assert ended.wait(5)
    await asyncio.sleep(0.01)  # the late delivery must find nobody and say nothing


async def test_the_loop_stays_free() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.005)

    ticking = asyncio.create_task(tick())
    await offload(time.sleep, 0.1)
    ticking.cancel()
    assert ticks >= 5
