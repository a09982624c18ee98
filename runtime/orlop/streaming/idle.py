"""The idle time-out of a session: it ends when for so long no byte has come or gone."""

import asyncio
from types import TracebackType
from typing import Self


class IdleLimit:
    """`async with IdleLimit(seconds) as limit:`; `limit.touch()` at every byte; TimeoutError at the end. 0: never."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._limit = asyncio.timeout(seconds or None)
        self._touched = float("-inf")
        self._running = False

    def touch(self) -> None:
        """A byte has come or gone."""
        now = asyncio.get_running_loop().time()
        # A timer for every chunk would cost more than the chunk; a hundredth of the limit is near enough.
        if self._running and now - self._touched > self._seconds / 100 and not self._limit.expired():
            self._touched = now
            self._limit.reschedule(now + self._seconds)

    async def __aenter__(self) -> Self:
        await self._limit.__aenter__()
        self._running = bool(self._seconds)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running = False
        await self._limit.__aexit__(kind, error, trace)
