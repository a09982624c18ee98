"""Following a directory that need not exist yet. What a change means is the caller's business."""

import os
from collections.abc import Callable

from orlop.aio.watching import DirectoryWatch
from orlop.linux.inotify import (
    IN_ATTRIB,
    IN_CLOSE_WRITE,
    IN_CREATE,
    IN_DELETE,
    IN_MOVE_SELF,
    IN_MOVED_FROM,
    IN_MOVED_TO,
    IN_Q_OVERFLOW,
)

# CREATE for links: a link's target is written elsewhere. ATTRIB for a file that becomes readable.
_CONTENT = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF | IN_ATTRIB
_ENTRIES = IN_CREATE | IN_MOVED_TO | IN_MOVE_SELF


async def follow(directory: str, changed: Callable[[], None]) -> None:
    """Call `changed` whenever the directory's content may have changed, also when it comes or goes. Never returns."""
    while True:
        target = _nearest(directory)
        try:
            watch = DirectoryWatch(target, _CONTENT if target == directory else _ENTRIES)
        except (FileNotFoundError, NotADirectoryError):
            continue  # gone since
        with watch:
            if _nearest(directory) != target:
                continue  # the next part came before the watch did
            changed()
            if target == directory:
                await _follow_content(watch, changed)
            else:
                await _await_entry(watch, _next_part(directory, target))


def _nearest(directory: str) -> str:
    """The directory itself, or the deepest of its parents that exists."""
    while directory != "/" and not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    return directory


def _next_part(directory: str, target: str) -> str:
    """The entry of `target` that leads to the directory."""
    return os.path.relpath(directory, target).split("/")[0]


async def _follow_content(watch: DirectoryWatch, changed: Callable[[], None]) -> None:
    async for event in watch:
        changed()
        if event.mask & IN_MOVE_SELF:
            return  # it has another name now


async def _await_entry(watch: DirectoryWatch, name: str) -> None:
    """Until the parent has an entry of this name, or has itself gone."""
    async for event in watch:
        if event.name == name or event.mask & (IN_MOVE_SELF | IN_Q_OVERFLOW):
            return
