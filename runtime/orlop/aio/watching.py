"""Directories watched on the event loop. What a change means is the caller's business."""

from collections.abc import AsyncIterator
from typing import Self

from orlop.linux.inotify import Event as Event

OVERFLOW_NAME = ""


class DirectoryWatch:
    """An async iterator of inotify events of one directory.

    An event with `mask & IN_Q_OVERFLOW` says that events were lost: scan the directory again. The iteration ends when the
    watch is closed or the directory goes away.
    """

    def __init__(self, path: str, mask: int) -> None:
        """Raises FileNotFoundError when the directory does not exist. Must be made on the event loop."""
        raise NotImplementedError

    def __aiter__(self) -> AsyncIterator[Event]:
        raise NotImplementedError

    def close(self) -> None:
        """End the watch and the iteration; events that wait are dropped."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
