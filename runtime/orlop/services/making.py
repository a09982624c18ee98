"""Work that belongs to a name, an attempt and a configuration, and not to the request that asked for it.

The kubelet gives up a slow RunPodSandbox or CreateContainer after two minutes and asks again. The retry joins the work
that is going on and gets its result; it never meets a name that is "reserved" by nobody.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from orlop.aio import calls
from orlop.model.errors import AlreadyExists
from orlop.services.steps import Steps

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Work:
    task: asyncio.Task[str]
    asked: bytes
    steps: Steps
    waiting: int = 0
    """Requests that will get the result."""


class Making:
    """All pods or containers that are being made, by name."""

    def __init__(self) -> None:
        self._going: dict[str, _Work] = {}

    async def join(self, name: str, what: str, asked: bytes, make: Callable[[Steps], Awaitable[str]]) -> str:
        """The id that `make` returns, from a run that is already going on where there is one.

        asked is the encoded request. A request that differs under the same name raises AlreadyExists telling where the
        work stands. A caller that is cancelled does not stop the work: its result is there for the retry.
        """
        work = self._going.get(name)
        if work is None:
            steps = Steps(what)
            task = asyncio.ensure_future(make(steps))
            work = self._going[name] = _Work(task, asked, steps)
            task.add_done_callback(lambda _: self._end(name, work))
        elif work.asked != asked:
            raise AlreadyExists(f"{what} is being made with another configuration; it is at: {work.steps.standing()}")
        else:
            log.info("%s is asked for again and joins the work, which is at: %s", what, work.steps.standing())
        calls.follow(work.steps.standing)
        work.waiting += 1
        try:
            return await asyncio.shield(work.task)
        except asyncio.CancelledError:
            work.waiting -= 1
            raise

    def standing(self, name: str) -> str:
        """Where the work under a name stands; empty when there is none."""
        work = self._going.get(name)
        return work.steps.standing() if work else ""

    def __len__(self) -> int:
        return len(self._going)

    async def settled(self, name: str) -> None:
        """Wait until no work goes on under a name, whatever its outcome."""
        work = self._going.get(name)
        if work is not None:
            await asyncio.wait([work.task])

    def _end(self, name: str, work: _Work) -> None:
        del self._going[name]
        if not work.task.cancelled() and (error := work.task.exception()) is not None:
            if not work.waiting:
                # Nobody is told, and an unseen failure would be lost.
                log.error("%s", error)
            return
        work.steps.log_done("made")
