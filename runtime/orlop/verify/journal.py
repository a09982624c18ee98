"""The steps of a verification: each is timed, each may leave something to be undone, and the undoing is timed too."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import grpc.aio

from orlop.model.errors import OrlopError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done."""

    name: str
    milliseconds: float
    detail: str = ""
    error: str = ""
    """Empty when it worked."""


class StepFailed(Exception):
    """A step did not work; the journal has its error."""


@dataclass(slots=True)
class Journal:
    """All steps in order."""

    steps: list[Step] = field(default_factory=list)
    on_step: Callable[[Step], None] = lambda step: None
    """Told of each step when it is done."""
    _undo: list[tuple[str, Callable[[], Awaitable[object]]]] = field(default_factory=list)

    @property
    def failed(self) -> Step | None:
        """The first step that did not work."""
        return next((step for step in self.steps if step.error), None)

    async def step(self, name: str, work: Callable[[], Awaitable[T]], tell: Callable[[T], str] = lambda _: "") -> T:
        """Do it. Raises StepFailed when it does not work; `tell` makes the detail of the result."""
        began = time.monotonic()
        try:
            result = await work()
        except asyncio.CancelledError:
            self._note(name, began, error="interrupted")
            raise
        except (OrlopError, OSError, TimeoutError, grpc.aio.AioRpcError) as error:
            self._note(name, began, error=describe(error))
            raise StepFailed(name) from error
        self._note(name, began, detail=tell(result))
        return result

    def undo(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """To be done at the end, after all that is registered later."""
        self._undo.append((name, work))

    async def unwind(self) -> None:
        """Undo everything, each as a step; one that fails keeps none of the others from being tried."""
        while self._undo:
            name, work = self._undo.pop()
            try:
                await self.step(name, work)
            except StepFailed:
                continue

    def _note(self, name: str, began: float, *, detail: str = "", error: str = "") -> None:
        step = Step(name, (time.monotonic() - began) * 1000, detail, error)
        self.steps.append(step)
        self.on_step(step)


def describe(error: BaseException) -> str:
    """An error as the table shows it."""
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    if isinstance(error, TimeoutError):
        return str(error) or "the time limit was reached"
    return str(error)
