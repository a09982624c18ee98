"""inotify(7) as a descriptor and a list of events. Waiting on the event loop is in aio/watching.py."""

import errno
import os
import struct
from typing import Self

import msgspec

from orlop.linux import syscalls

IN_ATTRIB = 0x4
IN_CLOSE_WRITE = 0x8
IN_MOVED_FROM = 0x40
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_DELETE = 0x200
IN_MOVE_SELF = 0x800
IN_Q_OVERFLOW = 0x4000
IN_IGNORED = 0x8000
IN_ONLYDIR = 0x1000000
IN_ISDIR = 0x40000000

_HEAD = struct.Struct("iIII")
_BUFFER = 1 << 16


class Event(msgspec.Struct, frozen=True):
    """One event of the kernel's queue."""

    wd: int
    """-1 for IN_Q_OVERFLOW."""
    mask: int
    cookie: int
    name: str
    """Entry of the watched directory; empty when the event is about the watched thing itself."""


class Inotify:
    """A non-blocking inotify instance."""

    def __init__(self) -> None:
        self._fd = syscalls.inotify_init()

    def fileno(self) -> int:
        """The descriptor, readable when events wait; -1 when closed."""
        return self._fd

    def add(self, path: str, mask: int) -> int:
        """Watch a path; returns the watch descriptor. ENOSPC: the user's limit of watches (fs.inotify) is reached."""
        return syscalls.inotify_add_watch(self._fd, path, mask)

    def remove(self, wd: int) -> None:
        """Stop a watch; one that ended by itself is fine."""
        try:
            syscalls.inotify_rm_watch(self._fd, wd)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise

    def read(self) -> list[Event]:
        """The events that wait, as many as one read(2) gives; empty when none do."""
        try:
            return parse(os.read(self._fd, _BUFFER))
        except BlockingIOError:
            return []

    def close(self) -> None:
        """Close the descriptor, once or more."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def parse(data: bytes) -> list[Event]:
    """Events from what read(2) gives: fixed head, then the name padded with zeros."""
    events = []
    position = 0
    while position < len(data):
        wd, mask, cookie, length = _HEAD.unpack_from(data, position)
        position += _HEAD.size
        name = os.fsdecode(data[position : position + length].split(b"\0", 1)[0])
        position += length
        events.append(Event(wd, mask, cookie, name))
    return events
