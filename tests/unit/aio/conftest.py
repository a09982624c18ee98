"""Tests of processes end when the reaper has reaped what was adopted: with the loop its signal handler goes too."""

import asyncio
import inspect
import os
from collections.abc import AsyncIterator

import pytest

from orlop.linux import processes


@pytest.fixture(autouse=True)
def _all_reaped_if_async(request: pytest.FixtureRequest) -> None:
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("_all_reaped")


@pytest.fixture
async def _all_reaped() -> AsyncIterator[None]:
    yield
    for _ in range(400):
        if not processes.children(os.getpid()):
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"children are left: {processes.children(os.getpid())}")
