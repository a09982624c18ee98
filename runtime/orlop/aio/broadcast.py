"""One stream of items to any number of listeners, none of which can hold up the sender or the others.

    async for item in broadcast.follow():     # a listener
        ...
    broadcast.send(item)                      # never waits

A listener that falls behind by more than the limit is cut off with `FellBehind`, and what waited for it is dropped: it
has to look at the present state anyway, and a gap that it does not know of would be worse.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

T = TypeVar("T")


class FellBehind(Exception):
    """This listener took items more slowly than they came, and some are lost for it."""

    def __init__(self, lost: int) -> None:
        super().__init__(f"{lost} items were not taken in time and are lost")
        self.lost = lost


class _Listener(Generic[T]):
    """What waits for one listener."""

    def __init__(self) -> None:
        self.items: deque[T] = deque()
        self.lost = 0
        self.woken = asyncio.Event()


class Broadcast(Generic[T]):
    """The listeners, and what waits for each."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._listeners: list[_Listener[T]] = []
        self._closed = False
        self.lost = 0
        """Items that have been lost for a listener, over all of them since the start."""

    def __len__(self) -> int:
        return len(self._listeners)

    def send(self, item: T) -> int:
        """Hand an item to every listener. Returns how many were cut off by it; for those all is lost that waited."""
        cut = 0
        for listener in list(self._listeners):
            if len(listener.items) < self._limit:
                listener.items.append(item)
            else:
                listener.lost = len(listener.items) + 1
                listener.items.clear()
                self._listeners.remove(listener)
                self.lost += listener.lost
                cut += 1
            listener.woken.set()
        return cut

    def close(self) -> None:
        """End every listener's iteration, now and in future, after what already waits for it."""
        self._closed = True
        for listener in self._listeners:
            listener.woken.set()

    async def follow(self) -> AsyncGenerator[T, None]:
        """Items from now on, in the order in which they were sent. Raises FellBehind where it was too slow."""
        listener: _Listener[T] = _Listener()
        self._listeners.append(listener)
        try:
            while True:
                while listener.items:
                    yield listener.items.popleft()
                if listener.lost:
                    raise FellBehind(listener.lost)
                if self._closed:
                    return
                listener.woken.clear()
                await listener.woken.wait()
        finally:
            if listener in self._listeners:
                self._listeners.remove(listener)
