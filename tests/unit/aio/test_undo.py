"""Undo in reverse, with retries, whatever happens around it."""

import asyncio
import logging

import pytest

from orlop.aio.undo import Failure, UndoStack

QUICK = (0.001, 0.001)


async def test_reverse_order_sync_and_async() -> None:
    log: list[str] = []

    async def later() -> None:
        await asyncio.sleep(0)
        log.append("async")

    undo = UndoStack(backoff=QUICK)
    undo.add("first", lambda: log.append("sync"))
    undo.add("second", later)
    assert len(undo) == 2
    assert await undo.unwind() == []
    assert log == ["async", "sync"]
    assert await undo.unwind() == []
    assert log == ["async", "sync"]


async def test_release_forgets() -> None:
    log: list[str] = []
    async with UndoStack() as undo:
        undo.add("step", lambda: log.append("undone"))
    assert log == []
    assert await undo.unwind() == []


async def test_exception_unwinds_and_goes_on() -> None:
    log: list[str] = []
    with pytest.raises(ValueError, match="work failed"):
        async with UndoStack() as undo:
            undo.add("step", lambda: log.append("undone"))
            raise ValueError("work failed")
    assert log == ["undone"]


async def test_steps_are_tried_again() -> None:
    tries = 0

    def flaky() -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise OSError(16, "busy")

    undo = UndoStack(backoff=QUICK)
    undo.add("unmount", flaky)
    assert await undo.unwind() == []
    assert tries == 3


async def test_failures_are_collected_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []
    error = OSError(16, "busy")

    def fail() -> None:
        raise error

    undo = UndoStack(backoff=QUICK)
    undo.add("remove the directory", lambda: log.append("still undone"))
    undo.add("unmount /run/x", fail)
    with caplog.at_level(logging.ERROR):
        failures = await undo.unwind()
    assert failures == undo.failures == [Failure("unmount /run/x", error)]
    assert str(failures[0]) == "unmount /run/x: [Errno 16] busy"
    assert log == ["still undone"]
    assert "could not undo: unmount /run/x" in caplog.text


async def test_cancellation_of_the_work_unwinds_completely() -> None:
    log: list[str] = []
    begun = asyncio.Event()

    async def slow() -> None:
        await asyncio.sleep(0.02)
        log.append("slow undone")

    async def work() -> None:
        async with UndoStack(backoff=QUICK) as undo:
            undo.add("first", lambda: log.append("first undone"))
            undo.add("slow", slow)
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0.005)
    task.cancel()  # again, in the middle of the undoing
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["slow undone", "first undone"]


async def test_failures_survive_a_cancelled_unwind() -> None:
    def fail() -> None:
        raise RuntimeError("no")

    undo = UndoStack(backoff=(0.01,))
    undo.add("step", fail)
    task = asyncio.create_task(undo.unwind())
    await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [failure.sentence for failure in undo.failures] == ["step"]


async def test_a_step_that_is_cancelled_itself_does_not_stop_the_others() -> None:
    log: list[str] = []

    async def cancelled() -> None:
        raise asyncio.CancelledError

    undo = UndoStack(backoff=())
    undo.add("first", lambda: log.append("first undone"))
    undo.add("cancelled", cancelled)
    failures = await undo.unwind()
    assert log == ["first undone"]
    assert [failure.sentence for failure in failures] == ["cancelled"]


async def test_a_later_step_sees_what_could_not_be_undone() -> None:
    def fail() -> None:
        raise RuntimeError("no")

    seen: list[int] = []
    undo = UndoStack(backoff=())
    undo.add("forget the record unless something is left", lambda: seen.append(len(undo.failures)))
    undo.add("step", fail)
    await undo.unwind()
    assert seen == [1]
