"""Steps, their failures, and the undoing."""

import asyncio

import pytest

from orlop.model.errors import NotFound
from orlop.verify.journal import Journal, Step, StepFailed


async def works() -> str:
    return "done"


async def fails() -> None:
    raise NotFound("it is gone")


async def test_a_step_is_timed_and_told() -> None:
    seen: list[Step] = []
    journal = Journal(on_step=seen.append)
    assert await journal.step("first", works, lambda result: f"-> {result}") == "done"
    assert journal.steps == seen
    assert (seen[0].name, seen[0].detail, seen[0].error) == ("first", "-> done", "")
    assert seen[0].milliseconds >= 0
    assert journal.failed is None


async def test_a_failed_step_ends_the_work_but_not_the_undoing() -> None:
    journal = Journal()
    order: list[str] = []

    async def undo(name: str) -> None:
        order.append(name)

    journal.undo("a", lambda: undo("a"))
    journal.undo("broken", fails)
    journal.undo("b", lambda: undo("b"))
    with pytest.raises(StepFailed, match="second"):
        await journal.step("second", fails)
    await journal.unwind()
    assert order == ["b", "a"]
    assert [(step.name, step.error) for step in journal.steps] == [
        ("second", "it is gone"),
        ("b", ""),
        ("broken", "it is gone"),
        ("a", ""),
    ]
    failed = journal.failed
    assert failed is not None and failed.name == "second"


async def test_a_bug_is_not_hidden() -> None:
    async def bug() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await Journal().step("x", bug)


async def test_an_interruption_is_noted() -> None:
    journal = Journal()
    task = asyncio.create_task(journal.step("waits", lambda: asyncio.sleep(60)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert journal.steps[0].error == "interrupted"
