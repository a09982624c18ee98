"""Requests wait here until the daemon has compared its records with the kernel. Version passes at any time.

Status waits too: a kubelet that is told of no readiness marks its node at once, one that waits a moment does not.
"""

import asyncio

from orlop.model.errors import Unavailable

ALWAYS = frozenset({"Version"})


class Gate:
    """Closed until `open` is called. A request that comes earlier waits for a while."""

    def __init__(self, patience: float = 10.0) -> None:
        self._patience = patience
        self._opened = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether the daemon has recovered."""
        return self._opened.is_set()

    def open(self) -> None:
        """Let requests pass from now on."""
        self._opened.set()

    async def passed(self, rpc: str) -> None:
        """Return when the request may be answered. Raises Unavailable when that takes too long."""
        if self._opened.is_set() or rpc in ALWAYS:
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._opened.wait()
        except TimeoutError:
            raise Unavailable("the daemon has just started and still reads its state: ask again") from None
