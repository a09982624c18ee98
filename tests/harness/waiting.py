"""Waiting in asynchronous tests for something that nobody announces."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], *, seconds: float = 30.0) -> None:
    """Return as soon as the condition holds; TimeoutError when it does not come to hold."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what is awaited lies in files, processes and other tasks' fields
            await asyncio.sleep(0.01)
