"""Background tasks are named, logged when they die, and gone at the end."""

import asyncio
import logging

import pytest

from orlop.aio.tasks import Background


async def test_a_dying_task_is_logged_with_its_name(caplog: pytest.LogCaptureFixture) -> None:
    background = Background()

    async def die() -> None:
        raise RuntimeError("for a reason")

    with caplog.at_level(logging.ERROR):
        task = background.spawn(die(), "watch conflists")
        await task
    assert task.get_name() == "watch conflists"
    (record,) = caplog.records
    assert "'watch conflists' died" in record.getMessage()
    assert record.exc_info is not None
    assert len(background) == 0


async def test_close_cancels_and_awaits() -> None:
    background = Background()
    ends: list[str] = []

    async def forever(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            ends.append(name)

    for name in ("a", "b"):
        background.spawn(forever(name), name)
    await asyncio.sleep(0)
    assert len(background) == 2
    await background.aclose()
    assert sorted(ends) == ["a", "b"]
    assert len(background) == 0
    await background.aclose()


async def test_cancelled_before_the_first_step_gives_no_warning() -> None:
    background = Background()
    background.spawn(asyncio.sleep(10), "never begun")
    await background.aclose()


async def test_close_takes_what_is_spawned_meanwhile() -> None:
    background = Background()

    async def respawning() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            background.spawn(asyncio.sleep(10), "late")

    background.spawn(respawning(), "first")
    await asyncio.sleep(0)
    await background.aclose()
    assert len(background) == 0


async def test_drain_awaits_the_tasks_own_ends() -> None:
    background = Background()
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(1)

    background.spawn(work(), "work")
    await background.drain()
    assert done == [1]
