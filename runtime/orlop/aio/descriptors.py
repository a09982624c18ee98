"""Bytes from and to non-blocking descriptors (pipes, terminals, sockets) on the event loop, with back-pressure.

A descriptor is read only when somebody asks, and a write returns only when the kernel has all of it. Who opens and
closes descriptors is not here.
"""

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable

CHUNK = 1 << 16


class Reader:
    """Reads one descriptor. A terminal whose last program has gone (EIO) has ended like a pipe."""

    def __init__(self, fd: int, *, size: int = CHUNK) -> None:
        os.set_blocking(fd, False)
        self._fd = fd
        self._size = size
        self._grace: float | None = None
        self._waiting: asyncio.Future[None] | None = None

    async def read(self) -> bytes:
        """The next bytes; empty at the end."""
        await asyncio.sleep(0)  # a descriptor that always has bytes must not keep the loop for itself
        while True:
            try:
                return os.read(self._fd, self._size)
            except BlockingIOError:
                if not await self._readable():
                    return b""
            except OSError as error:
                if error.errno in (errno.EIO, errno.ECONNRESET):
                    return b""
                raise

    def expect_end(self, grace: float) -> None:
        """The writer is gone: what waits is still read, but for more it is waited no longer than this many seconds."""
        self._grace = grace
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)  # it waits anew, now with the limit

    async def _readable(self) -> bool:
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        loop.add_reader(self._fd, _finish, self._waiting)
        limited = self._grace is not None
        try:
            async with asyncio.timeout(self._grace):
                await self._waiting
            return True
        except TimeoutError:
            return not limited
        finally:
            loop.remove_reader(self._fd)
            self._waiting = None


async def write_all(fd: int, data: bytes) -> None:
    """Write all of it to a non-blocking descriptor. Raises BrokenPipeError and its like when nobody reads any more."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            await _writable(fd)


async def _writable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(fd, _finish, ready)
    try:
        await ready
    finally:
        loop.remove_writer(fd)


def _finish(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


async def pump(read: Callable[[], Awaitable[bytes]], write: Callable[[bytes], Awaitable[None]]) -> None:
    """Move bytes until their end, as fast as the slower side goes."""
    while data := await read():
        await write(data)
