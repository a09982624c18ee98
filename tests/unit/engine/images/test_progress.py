"""A pull that gets nowhere is given up; one that only waits for its turn or its disk is not."""

import asyncio

import pytest

from orlop.engine.images import progress as progress_module
from orlop.engine.images.progress import Progress
from orlop.model.errors import Unavailable

TIMEOUT = 0.2


async def test_a_wait_without_an_end_is_cut_short_and_cleaned_up() -> None:
    progress = Progress(TIMEOUT)
    ended = []

    async def pull() -> None:
        try:
            await progress.wait(asyncio.Event().wait())
        finally:
            await asyncio.sleep(0)  # an undo that takes its time is waited for
            ended.append(True)

    with pytest.raises(Unavailable, match=r"a\.test/x:1: no byte has come for 0\.2 s"):
        await progress.run(pull(), "a.test/x:1")
    assert ended == [True]


async def test_time_without_a_wait_does_not_count() -> None:
    progress = Progress(TIMEOUT)

    async def pull() -> str:
        await progress.wait(asyncio.sleep(0))
        await asyncio.sleep(3 * TIMEOUT)  # unpacking, say
        return "pulled"

    assert await progress.run(pull(), "x") == "pulled"


async def test_one_blob_that_moves_is_progress_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress_module, "_now", lambda: clock[0])
    progress = Progress(10)
    gates = [asyncio.Event(), asyncio.Event()]
    waits = [asyncio.create_task(progress.wait(gate.wait())) for gate in gates]
    await asyncio.sleep(0)
    clock[0] = 9
    assert not progress.stuck()
    gates[0].set()
    await waits[0]
    clock[0] = 18
    assert not progress.stuck(), "nine seconds since the other one moved"
    clock[0] = 19
    assert progress.stuck()
    gates[1].set()
    await waits[1]
    clock[0] = 99
    assert not progress.stuck(), "nothing waits"


async def test_without_a_limit_and_with_failures() -> None:
    async def fail() -> None:
        raise OSError("its own failure")

    with pytest.raises(OSError, match="its own failure"):
        await Progress(0).run(fail(), "x")


async def test_a_cancelled_pull_is_cancelled_inside() -> None:
    inside = asyncio.Event()
    cancelled = []

    async def pull() -> None:
        inside.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    task = asyncio.create_task(Progress(60).run(pull(), "x"))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled == [True]
