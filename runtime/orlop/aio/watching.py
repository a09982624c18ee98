"""Directories watched on the event loop. What a change means is the caller's business."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Self

from orlop.linux.inotify import IN_IGNORED as IN_IGNORED
from orlop.linux.inotify import IN_ONLYDIR, IN_Q_OVERFLOW, Inotify
from orlop.linux.inotify import Event as Event

OVERFLOW = Event(wd=-1, mask=IN_Q_OVERFLOW, cookie=0, name="")
"""What the iteration gives when events were lost: scan the directory again."""

BACKLOG = 8192
"""Events held for a slow reader; beyond that they are dropped for one OVERFLOW, as the kernel does with its queue."""


class DirectoryWatch:
    """An async iterator of inotify events of one directory, for one reader.

    OVERFLOW among them says that events were lost. The iteration ends when the watch is closed or the directory is
    removed or unmounted. Watch first and scan then: what lies there already gives no event.
    """

    def __init__(self, path: str, mask: int) -> None:
        """Raises FileNotFoundError or NotADirectoryError with the path. Must be made on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._events: deque[Event] = deque()
        self._wakeup = asyncio.Event()
        self._inotify = Inotify()
        try:
            self._inotify.add(path, mask | IN_ONLYDIR)
        except BaseException:
            self._inotify.close()
            raise
        self._loop.add_reader(self._inotify.fileno(), self._take)

    def _take(self) -> None:
        for event in self._inotify.read():
            if event.mask & IN_IGNORED:
                self._stop()
            elif event.mask & IN_Q_OVERFLOW or len(self._events) >= BACKLOG:
                self._events.clear()
                self._events.append(OVERFLOW)
            else:
                self._events.append(event)
        self._wakeup.set()

    def _stop(self) -> None:
        if self._inotify.fileno() >= 0:
            self._loop.remove_reader(self._inotify.fileno())
            self._inotify.close()
        self._wakeup.set()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._inotify.fileno() < 0:
                raise StopAsyncIteration
            self._wakeup.clear()
            await self._wakeup.wait()
        return self._events.popleft()

    def close(self) -> None:
        """End the watch and the iteration; events that wait are dropped. Once or more."""
        self._events.clear()
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
