"""A container's log in the CRI's format, for containers without conmon.

2026-01-02T03:04:05.678901234Z stdout F a whole line
2026-01-02T03:04:05.678901234Z stdout P a part of one: the rest follows, or the stream has ended
"""

import logging
import os
import time
from typing import Literal

from orlop.aio.threads import offload
from orlop.linux.files import write_all

log = logging.getLogger(__name__)

MODE = 0o600
"""Of a new log file, as conmon makes it."""


class CriLog:
    """One container's log file. Writes go on in threads: a slow disk holds up one container, not the daemon."""

    def __init__(self, path: str) -> None:
        """Opens or makes the file at the first line; an empty path is no log."""
        self._path = path
        self._fd = -1
        self._failed = False

    async def write(self, stream: Literal["stdout", "stderr"], data: bytes) -> None:
        """Append what a stream brought. A log that cannot be written is told once; the container goes on."""
        if not self._path:
            return
        try:
            await offload(self._append, lines(stream, data, stamp(time.time_ns())))
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.error("lines of the log %s are lost: %s", self._path, error)
            self._failed = True

    async def reopen(self) -> None:
        """Go on in the file that is at the path now, a new one where it was renamed. Raises OSError."""
        if self._path:
            await offload(self._open)

    def close(self) -> None:
        """Let go of the file. Again is fine."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def _append(self, data: bytes) -> None:
        if self._fd < 0:
            self._open()
        write_all(self._fd, data)

    def _open(self) -> None:
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, MODE)
        self.close()
        self._fd = fd


def lines(stream: str, data: bytes, when: str) -> bytes:
    """The log's lines for one piece of a stream. A piece that ends inside a line is marked so at once."""
    head = f"{when} {stream} ".encode()
    parts = data.split(b"\n")
    rest = parts.pop()
    whole = b"".join(b"%bF %b\n" % (head, part) for part in parts)
    return whole + (b"%bP %b\n" % (head, rest) if rest else b"")


def stamp(nanoseconds: int) -> str:
    """RFC 3339 with nine digits, in UTC."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09}Z"
