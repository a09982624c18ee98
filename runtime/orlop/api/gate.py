"""Requests wait here until the daemon has compared its records with the kernel. Version and Status pass at any time."""

import asyncio

from orlop.model.errors import Unavailable

ALWAYS = frozenset({"Version", "Status"})


class Gate:
    """Closed until `open` is called. A request that comes earlier waits for a while."""

    def __init__(self, patience: float = 10.0) -> None:
        self._patience = patience
        self._opened = asyncio.Event()
        self._failure = ""

    @property
    def is_open(self) -> bool:
        """Whether the daemon has recovered."""
        return self._opened.is_set() and not self._failure

    def open(self) -> None:
        """Let requests pass from now on."""
        self._failure = ""
        self._opened.set()

    def fail(self, reason: str) -> None:
        """Recovery did not work: requests are refused with this reason."""
        self._failure = reason
        self._opened.set()

    async def passed(self, rpc: str) -> None:
        """Return when the request may be answered. Raises Unavailable when that takes too long or will not happen."""
        if rpc in ALWAYS:
            return
        if not self._opened.is_set():
            try:
                async with asyncio.timeout(self._patience):
                    await self._opened.wait()
            except TimeoutError:
                raise Unavailable("the daemon has just started and still reads its state: ask again") from None
        if self._failure:
            raise Unavailable(f"the daemon could not recover its state: {self._failure}")
