"""Joining: one run of a piece of work however many ask for it. Finished results are not kept here."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Joining(Generic[K, T]):
    """Work in progress by key. A caller that asks for a key at work waits for that run and gets its result.

    The run is a task of its own: when a caller is cancelled (its RPC timed out), the work goes on, and the caller's
    retry joins it. When the work fails, everyone who waits gets the same exception. After its end the next caller
    starts anew.
    """

    def __init__(self, name: str = "joining") -> None:
        self._name = name
        self._running: dict[K, asyncio.Task[T]] = {}

    async def do(self, key: K, factory: Callable[[], Awaitable[T]]) -> T:
        """The result of the run under `key`; `factory` starts it when there is none."""
        task = self._running.get(key)
        if task is None or task.done():  # done: in the moment before it is forgotten
            task = asyncio.create_task(self._run(factory), name=f"{self._name}: {key}")
            self._running[key] = task
            task.add_done_callback(lambda done: self._finish(key, done))
        return await asyncio.shield(task)

    @staticmethod
    async def _run(factory: Callable[[], Awaitable[T]]) -> T:
        return await factory()

    def _finish(self, key: K, task: asyncio.Task[T]) -> None:
        if self._running.get(key) is task:
            del self._running[key]
        # Marks the exception as seen: when all callers have gone, the work itself has logged or undone its failure.
        if not task.cancelled():
            task.exception()

    def running(self, key: K) -> bool:
        """Whether work for this key is in progress."""
        task = self._running.get(key)
        return task is not None and not task.done()

    def cancel(self, key: K) -> bool:
        """Cancel the run of a key, for instance because a changed request replaces it; False when there is none."""
        task = self._running.get(key)
        return task is not None and task.cancel()

    async def aclose(self) -> None:
        """Cancel all runs and await their ends."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def __len__(self) -> int:
        return len(self._running)
