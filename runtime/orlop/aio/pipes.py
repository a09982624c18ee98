"""Pipes to and from a program, served by the event loop's reader and writer callbacks. Starting it is in process.py."""

import asyncio
import os
from collections.abc import Callable

_CHUNK = 1 << 16


class OutputPipe:
    """Collects what a program writes to one stream, up to a limit."""

    def __init__(self, name: str, limit: int) -> None:
        self.name = name
        self.data = bytearray()
        self.over_limit = False
        self.on_over_limit: Callable[[], None] = lambda: None
        self.ended = asyncio.Event()
        self._limit = limit
        self._fd, self.child_end = os.pipe()
        os.set_blocking(self._fd, False)

    def begin(self) -> None:
        """The program has its end: close ours of it, and read."""
        os.close(self.child_end)
        self.child_end = -1
        asyncio.get_running_loop().add_reader(self._fd, self.read)

    def read(self) -> None:
        """Take what is there; at the end of the stream or beyond the limit, stop."""
        while self._fd >= 0:
            try:
                chunk = os.read(self._fd, _CHUNK)
            except BlockingIOError:
                return
            self.data += chunk
            if not chunk:
                self.close()
            elif len(self.data) > self._limit:
                del self.data[self._limit :]
                self.over_limit = True
                self.close()
                self.on_over_limit()

    def close(self) -> None:
        """Close both ends, once or more."""
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
        if self.child_end >= 0:
            os.close(self.child_end)
            self.child_end = -1
        self.ended.set()


class InputPipe:
    """Feeds bytes to a program's standard input and closes it. A program that does not read them is fine."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self.child_end, self._fd = os.pipe()
        os.set_blocking(self._fd, False)

    def begin(self) -> None:
        """The program has its end: close ours of it, and write."""
        os.close(self.child_end)
        self.child_end = -1
        self._write()
        if self._fd >= 0:
            asyncio.get_running_loop().add_writer(self._fd, self._write)

    def _write(self) -> None:
        try:
            while self._data:
                self._data = self._data[os.write(self._fd, self._data) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            pass  # it closed its input or ended: its status tells whether that is an error
        self.close()

    def close(self) -> None:
        """Close both ends, once or more."""
        if self._fd >= 0:
            asyncio.get_running_loop().remove_writer(self._fd)
            os.close(self._fd)
            self._fd = -1
        if self.child_end >= 0:
            os.close(self.child_end)
            self.child_end = -1
