"""Unit tests leave nothing running: after each one there is no asyncio task and no child process left of it."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.harness import children


@pytest.fixture(autouse=True)
def _settled(request: pytest.FixtureRequest) -> Iterator[None]:
    children.adopt_none()
    before = children.of_this_process()
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("_no_task_left")
    yield
    left = children.wait_until_only(before)
    assert not left, f"child processes left: {left}"


@pytest.fixture
async def _no_task_left() -> AsyncIterator[None]:
    yield
    # One turn of the loop: what was cancelled just now ends by itself.
    await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not left, f"asyncio tasks left: {left}"
