"""A retry joins the work that goes on; a different request is told where it stands; nothing is reserved by nobody."""

import asyncio
import logging

import pytest

from orlop.model.errors import AlreadyExists, Unavailable
from orlop.services.making import Making
from orlop.services.steps import Steps


class Work:
    """A slow job with a verb to let it end."""

    def __init__(self, result: str | Exception = "id") -> None:
        self.result = result
        self.runs = 0
        self.go = asyncio.Event()

    async def run(self, steps: Steps) -> str:
        self.runs += 1
        steps.enter("wait for the disk")
        await self.go.wait()
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


async def soon() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_many_ask_and_one_runs():
    making, work = Making(), Work("pod-1")
    asked = [asyncio.create_task(making.join("k", "pod a/b", b"same", work.run)) for _ in range(5)]
    await soon()
    work.go.set()
    assert await asyncio.gather(*asked) == ["pod-1"] * 5
    assert work.runs == 1
    await soon()
    assert len(making) == 0


async def test_a_caller_that_gives_up_does_not_stop_the_work_and_its_retry_gets_the_result():
    making, work = Making(), Work("pod-1")
    first = asyncio.create_task(making.join("k", "pod a/b", b"same", work.run))
    await soon()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    retry = asyncio.create_task(making.join("k", "pod a/b", b"same", work.run))
    await soon()
    work.go.set()
    assert await retry == "pod-1"
    assert work.runs == 1


async def test_another_configuration_is_refused_with_the_step_and_its_age():
    making, work = Making(), Work()
    first = asyncio.create_task(making.join("k", "pod a/b", b"one", work.run))
    await soon()
    with pytest.raises(AlreadyExists, match=r"pod a/b is being made .* wait for the disk \(for 0\.\d s\)"):
        await making.join("k", "pod a/b", b"two", work.run)
    work.go.set()
    await first


async def test_a_failure_reaches_every_waiter_and_frees_the_name(caplog):
    making, work = Making(), Work(Unavailable("pod a/b: plugin broken"))
    asked = [asyncio.create_task(making.join("k", "pod a/b", b"same", work.run)) for _ in range(2)]
    await soon()
    work.go.set()
    with caplog.at_level(logging.ERROR):
        results = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable, Unavailable]
    again = Work("pod-2")
    again.go.set()
    assert await making.join("k", "pod a/b", b"two", again.run) == "pod-2"
    assert not caplog.text, "the answer tells it; the log need not too"


async def test_a_failure_that_nobody_waits_for_is_logged(caplog):
    making, work = Making(), Work(Unavailable("pod a/b: plugin broken"))
    only = asyncio.create_task(making.join("k", "pod a/b", b"same", work.run))
    await soon()
    only.cancel()
    with caplog.at_level(logging.ERROR):
        work.go.set()
        await making.settled("k")
        await soon()
    assert "plugin broken" in caplog.text


async def test_settled_waits_for_the_end_and_standing_tells_the_step():
    making, work = Making(), Work()
    task = asyncio.create_task(making.join("k", "pod a/b", b"x", work.run))
    await soon()
    assert making.standing("k").startswith("wait for the disk")
    waiter = asyncio.create_task(making.settled("k"))
    await soon()
    assert not waiter.done()
    work.go.set()
    await waiter
    await task
    assert making.standing("k") == ""
    await making.settled("unknown")
