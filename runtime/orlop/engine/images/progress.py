"""Whether a pull gets anywhere: a `Source` whose waits for the network are watched.

Time counts only while something waits for the network. A pull that waits for its turn, or whose unpacking is slower
than its registry, is not stuck.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from orlop.engine.images.manifest import Descriptor
from orlop.engine.images.source import Document, Source
from orlop.model.errors import Unavailable

T = TypeVar("T")


class Progress:
    """The waits of one pull from one repository, and the time since it last got a byte."""

    def __init__(self, timeout: float) -> None:
        """`timeout`: seconds; 0: for ever."""
        self._timeout = timeout
        self._waits = 0
        self._since = 0.0

    async def wait(self, work: Awaitable[T]) -> T:
        """Await something that comes over the network; its end is progress."""
        if not self._waits:
            self._since = _now()
        self._waits += 1
        try:
            result = await work
        finally:
            self._waits -= 1
        self._since = _now()
        return result

    async def run(self, work: Coroutine[Any, Any, T], what: str) -> T:
        """Run a pull, and cancel it when it gets nowhere: then Unavailable, and `what` is in its text."""
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait([task], timeout=self._left()))[0]:
                if self.stuck():
                    raise Unavailable(f"{what}: no byte has come for {self._timeout:g} s "
                                      "(images.pull_progress_timeout)")  # fmt: skip
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait([task])
        return task.result()

    def stuck(self) -> bool:
        """Whether something has waited for too long without a byte for anything."""
        return self._waits > 0 and _now() - self._since >= self._timeout

    def _left(self) -> float | None:
        """Seconds until the next look; None: there is no limit."""
        if not self._timeout:
            return None
        since = self._since if self._waits else _now()
        return max(0.01, since + self._timeout - _now())


def _now() -> float:
    return asyncio.get_running_loop().time()


class Watched:
    """A source, watched."""

    def __init__(self, source: Source, progress: Progress) -> None:
        self.name = source.name
        self._source = source
        self._progress = progress

    async def manifest(self, target: str) -> Document:
        """See Source."""
        return await self._progress.wait(self._source.manifest(target))

    async def blob(self, blob: Descriptor) -> bytes:
        """See Source."""
        return await self._progress.wait(self._source.blob(blob))

    async def stream(self, blob: Descriptor) -> AsyncGenerator[bytes, None]:
        """See Source."""
        async with aclosing(self._source.stream(blob)) as chunks:
            while True:
                try:
                    chunk = await self._progress.wait(anext(chunks))
                except StopAsyncIteration:
                    return
                yield chunk
