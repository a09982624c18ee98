"""inotify(7) as a descriptor and a list of events. Waiting on the event loop is in aio/watching.py."""

from dataclasses import dataclass
from typing import Self

IN_MODIFY = 0x2
IN_ATTRIB = 0x4
IN_CLOSE_WRITE = 0x8
IN_MOVED_FROM = 0x40
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_DELETE = 0x200
IN_DELETE_SELF = 0x400
IN_MOVE_SELF = 0x800
IN_UNMOUNT = 0x2000
IN_Q_OVERFLOW = 0x4000
IN_IGNORED = 0x8000
IN_ONLYDIR = 0x1000000
IN_ISDIR = 0x40000000


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the kernel's queue."""

    wd: int
    mask: int
    cookie: int
    name: str
    """Entry of the watched directory; empty when the event is about the watched thing itself."""


class Inotify:
    """A non-blocking inotify instance."""

    def __init__(self) -> None:
        raise NotImplementedError

    def fileno(self) -> int:
        """The descriptor, readable when events wait."""
        raise NotImplementedError

    def add(self, path: str, mask: int) -> int:
        """Watch a path; returns the watch descriptor."""
        raise NotImplementedError

    def remove(self, wd: int) -> None:
        """Stop a watch; one that ended by itself is fine."""
        raise NotImplementedError

    def read(self) -> list[Event]:
        """All events that wait; empty when none do."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the descriptor, once or more."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
