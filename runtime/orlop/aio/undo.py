"""Undo: every acquired thing registers its undoing at once; a failure later undoes all of them in reverse order.

What cannot be undone even after retries is reported, so that the caller keeps a record of it. Deciding what then
happens is not here.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import msgspec

log = logging.getLogger(__name__)

Undo = Callable[[], Awaitable[object] | object]

BACKOFF = (0.02, 0.1, 0.4)
"""Seconds before the second, third and fourth try of a step."""


class Failure(msgspec.Struct, frozen=True):
    """A step that could not be undone."""

    sentence: str
    error: BaseException

    def __str__(self) -> str:
        return f"{self.sentence}: {self.error}"


class UndoStack:
    """Undo steps of one piece of work.

    As `async with UndoStack() as undo:` an exception (or cancellation) unwinds; a normal end releases. `failures` then
    tells what is left over; the steps themselves may look there too.
    """

    def __init__(self, *, backoff: tuple[float, ...] = BACKOFF) -> None:
        self._steps: list[tuple[str, Undo]] = []
        self._backoff = backoff
        self.failures: list[Failure] = []

    def add(self, sentence: str, fn: Undo) -> None:
        """Register a step. `sentence` says what is undone ("remove the network namespace /run/…").

        A plain function runs on the event loop and must be short; a slow one is given as a coroutine function
        (`lambda: offload(remove_tree, path)`). It must be idempotent: it may be tried again.
        """
        self._steps.append((sentence, fn))

    def release(self) -> None:
        """Forget all steps: the work is complete."""
        self._steps.clear()

    async def unwind(self) -> list[Failure]:
        """Undo everything in reverse order, each step with retries. Returns what could not be undone.

        A cancellation that arrives meanwhile is raised only after all steps have been tried.
        """
        steps, self._steps = self._steps[::-1], []
        if not steps:
            return []
        known = len(self.failures)
        work = asyncio.create_task(self._unwind(steps), name="undo")
        cancelled: asyncio.CancelledError | None = None
        while not work.done():
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError as error:
                cancelled = error
        work.result()
        if cancelled is not None:
            raise cancelled
        return self.failures[known:]

    async def _unwind(self, steps: list[tuple[str, Undo]]) -> None:
        for sentence, fn in steps:
            failure = await self._undo(sentence, fn)
            if failure is not None:
                self.failures.append(failure)  # at once: a later step may go by what is left

    async def _undo(self, sentence: str, fn: Undo) -> Failure | None:
        error: Exception | asyncio.CancelledError
        for pause in (0.0, *self._backoff):
            try:
                if pause:
                    await asyncio.sleep(pause)
                result = fn()
                if inspect.isawaitable(result):
                    await result
                return None
            # Any failure, a cancellation by the loop's shutdown too, must not keep the other steps from being undone.
            except (Exception, asyncio.CancelledError) as caught:
                error = caught
                log.debug("undo failed: %s: %s", sentence, error)
        log.error("could not undo: %s: %s", sentence, error)
        return Failure(sentence, error)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.release()
        else:
            await self.unwind()

    def __len__(self) -> int:
        return len(self._steps)
