"""Write into a pipe whose reader may be slow, without blocking the event loop and without buffering in this process."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable
from typing import Self

_CAPACITY = 1 << 20


class PipeWriter:
    """The write end of a pipe. The kernel's buffer is the only one: `write` returns when the bytes are in it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_blocking(fd, False)
        with contextlib.suppress(PermissionError):  # over the user's pipe quota: the default size does, only slower
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _CAPACITY)

    async def write(self, data: bytes) -> None:
        """All of it. Raises BrokenPipeError when the reader has gone."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._fd, view) :]
            except BlockingIOError:
                await _ready(self._fd, asyncio.get_running_loop().add_writer, asyncio.get_running_loop().remove_writer)

    def close(self) -> None:
        """The reader sees the end. Twice is fine."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def read_all(fd: int, limit: int) -> bytes:
    """A pipe to its end; what comes after `limit` bytes is dropped."""
    os.set_blocking(fd, False)
    data = bytearray()
    loop = asyncio.get_running_loop()
    while True:
        try:
            chunk = os.read(fd, 1 << 16)
        except BlockingIOError:
            await _ready(fd, loop.add_reader, loop.remove_reader)
            continue
        if not chunk:
            return bytes(data[:limit])
        if len(data) < limit:
            data += chunk


async def _ready(fd: int, add: Callable[[int, Callable[[], None]], object], remove: Callable[[int], object]) -> None:
    event: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def arrived() -> None:
        if not event.done():
            event.set_result(None)

    add(fd, arrived)
    try:
        await event
    finally:
        remove(fd)
