"""One direction or both of a client's stream, whatever protocol carries it. Framing is not here."""

import asyncio
from collections.abc import Callable
from typing import Protocol

INBOX_LIMIT = 1 << 18
"""Bytes that may wait in one inbox before its connection is no longer read."""


class Channel(Protocol):
    """A stream to and from the client."""

    async def read(self) -> bytes:
        """What has come; empty at the end."""

    async def write(self, data: bytes) -> None:
        """Returns when there is room for more. To a client that has gone nothing is written, without an error."""

    async def finish(self) -> None:
        """No more will be written. Again is fine."""


class Throttle:
    """Counts the inboxes of one connection that are full; while there are any, the connection is not to be read."""

    def __init__(self, on_change: Callable[[bool], None] = lambda _: None) -> None:
        self._full: set[Inbox] = set()
        self._on_change = on_change
        self.flowing = asyncio.Event()
        self.flowing.set()

    def mark(self, inbox: "Inbox", full: bool) -> None:
        """Tells on_change (True: stop reading) at the first full inbox, and at the last that no longer is."""
        was = bool(self._full)
        (self._full.add if full else self._full.discard)(inbox)
        if bool(self._full) != was:
            (self.flowing.clear if self._full else self.flowing.set)()
            self._on_change(bool(self._full))


class Inbox:
    """Bytes that have come for one stream and that wait to be read."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._chunks: list[bytes] = []
        self._size = 0
        self._ended = False
        self._discarding = False
        self._changed = asyncio.Event()

    def put(self, data: bytes) -> None:
        """Bytes have come; after the end they are dropped."""
        if self._ended or self._discarding or not data:
            return
        self._chunks.append(data)
        self._size += len(data)
        self._changed.set()
        if self._size > INBOX_LIMIT:
            self._throttle.mark(self, True)

    def end(self) -> None:
        """No more will come. Again is fine."""
        self._ended = True
        self._changed.set()

    def discard(self) -> None:
        """Nobody will read: what has come and what comes is dropped."""
        self._discarding = True
        self._take()

    async def read(self) -> bytes:
        """All that waits; empty at the end."""
        while not self._chunks and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        return self._take()

    def _take(self) -> bytes:
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        self._throttle.mark(self, False)
        return data
