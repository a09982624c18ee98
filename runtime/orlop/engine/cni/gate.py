"""A gate that many may pass at once, or one alone: GC must not run beside ADD and DEL (CNI specification)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Gate:
    """Those who pass together are never held up by one who waits to be alone; he takes the first quiet moment."""

    def __init__(self) -> None:
        self._inside = 0
        self._alone = False
        self._open = asyncio.Event()
        self._quiet = asyncio.Event()

    @asynccontextmanager
    async def together(self) -> AsyncGenerator[None, None]:
        """Pass beside others."""
        while self._alone:
            await self._open.wait()
        self._inside += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._quiet.set()

    @asynccontextmanager
    async def alone(self) -> AsyncGenerator[None, None]:
        """Pass when nobody else is inside, and keep others out meanwhile."""
        while self._alone or self._inside:
            await (self._open if self._alone else self._quiet).wait()
        self._alone = True
        self._open.clear()
        try:
            yield
        finally:
            self._alone = False
            self._open.set()
