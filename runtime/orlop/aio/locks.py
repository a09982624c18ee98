"""One lock per key, gone when nobody holds or awaits it.

Not for work longer than a moment: that is joined (aio/joining.py), not queued for.
"""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class KeyedLocks(Generic[K]):
    """Mutual exclusion per key: `async with locks(key):`. First come, first served. Not re-entrant."""

    def __init__(self) -> None:
        self._entries: dict[K, tuple[asyncio.Lock, list[int]]] = {}

    @asynccontextmanager
    async def __call__(self, key: K) -> AsyncGenerator[None, None]:
        lock, users = self._entries.setdefault(key, (asyncio.Lock(), [0]))
        users[0] += 1
        try:
            async with lock:
                yield
        finally:
            users[0] -= 1
            if not users[0]:
                del self._entries[key]

    def locked(self, key: K) -> bool:
        """Whether somebody holds this key now."""
        return key in self._entries and self._entries[key][0].locked()

    def __len__(self) -> int:
        return len(self._entries)
