"""One run however many ask."""

import asyncio

import pytest

from orlop.aio.joining import Joining


class Work:
    """A piece of work that counts its runs and ends when it is told to."""

    def __init__(self) -> None:
        self.runs = 0
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.runs += 1
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return self.runs


async def test_all_get_the_one_result() -> None:
    joining, work = Joining[str, int](), Work()
    callers = [asyncio.create_task(joining.do("k", work)) for _ in range(5)]
    await asyncio.sleep(0)
    assert joining.running("k")
    work.go.set()
    assert await asyncio.gather(*callers) == [1] * 5
    assert not joining.running("k")
    assert await joining.do("k", work) == 2


async def test_keys_are_apart() -> None:
    joining, work = Joining[str, int](), Work()
    work.go.set()
    assert sorted(await asyncio.gather(joining.do("a", work), joining.do("b", work))) == [1, 2]


async def test_a_cancelled_caller_does_not_stop_the_work() -> None:
    joining, work = Joining[str, int](), Work()
    first = asyncio.create_task(joining.do("k", work))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert joining.running("k")
    retry = asyncio.create_task(joining.do("k", work))
    await asyncio.sleep(0)
    work.go.set()
    assert await retry == 1


async def test_failure_reaches_everyone_and_is_forgotten() -> None:
    joining, work = Joining[str, int](), Work()
    work.error = ValueError("broken")
    callers = [asyncio.create_task(joining.do("k", work)) for _ in range(3)]
    await asyncio.sleep(0)
    work.go.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert all(result is work.error for result in results)
    work.error = None
    assert await joining.do("k", work) == 2


async def test_failure_without_anybody_waiting_is_silent() -> None:
    """Warnings are errors here: "exception was never retrieved" would fail the test."""
    joining, work = Joining[str, int](), Work()
    work.error = ValueError("broken")
    caller = asyncio.create_task(joining.do("k", work))
    await asyncio.sleep(0)
    caller.cancel()
    work.go.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not joining.running("k")
    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_cancel_and_close() -> None:
    joining, work = Joining[str, int](), Work()
    caller = asyncio.create_task(joining.do("k", work))
    await asyncio.sleep(0)
    assert joining.cancel("k")
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert not joining.cancel("k")
    callers = [asyncio.create_task(joining.do(key, work)) for key in "ab"]
    await asyncio.sleep(0)
    await joining.aclose()
    assert len(joining) == 0
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)


async def test_a_call_at_the_very_end_of_a_run_starts_anew() -> None:
    joining: Joining[str, int] = Joining()
    ending, results = asyncio.Event(), iter((1, 2))

    async def work() -> int:
        ending.set()  # whoever waits for this runs before the end of this task is noticed
        return next(results)

    async def late() -> int:
        await ending.wait()
        assert not joining.running("k")
        return await joining.do("k", work)

    second = asyncio.create_task(late())
    await asyncio.sleep(0)
    assert await joining.do("k", work) == 1
    assert await second == 2
