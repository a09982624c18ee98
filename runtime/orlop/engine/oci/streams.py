"""Output of a command read from a pipe on the event loop: bounded, never blocking the writer."""

import asyncio
import os
from types import TracebackType
from typing import Self

CHUNK = 1 << 16


class CappedPipe:
    """A pipe whose write end is given to a process. What exceeds the limit is read and thrown away."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._chunks: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reader, False)

    @property
    def writer(self) -> int:
        """The descriptor for the process."""
        return self._writer

    def start(self) -> None:
        """Read from now on. Our write end is closed: the process has its own."""
        os.close(self._writer)
        self._writer = -1
        self._loop.add_reader(self._reader, self._read)

    async def ended(self) -> None:
        """Wait until the last writer has closed the pipe."""
        await asyncio.shield(self._ended)

    def drain(self) -> bytes:
        """Read what waits, without waiting for more; all that was kept."""
        if self._reader >= 0:
            while not self._ended.done() and self._read():
                pass
        return b"".join(self._chunks)

    def _read(self) -> bool:
        """One chunk; False when nothing waits or all is read."""
        try:
            data = os.read(self._reader, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._reader)
            self._ended.set_result(None)
            return False
        if room := self._limit - self._size:
            self._chunks.append(data[:room])
            self._size += len(self._chunks[-1])
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._loop.remove_reader(self._reader)
        self._ended.cancel()
        for fd in (self._reader, self._writer):
            if fd >= 0:
                os.close(fd)
        self._reader = self._writer = -1
