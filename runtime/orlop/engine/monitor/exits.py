"""Exits of containers, from the files that conmon leaves: seen at once by inotify, found later by a scan.

What an exit means for the container's record is the services' business; the death of conmon itself is in `liveness`.
"""

import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator

import msgspec

from orlop.aio.watching import DirectoryWatch
from orlop.linux.files import ensure_file, read_text, remove_file
from orlop.linux.inotify import IN_MOVED_TO, IN_ONLYDIR, IN_Q_OVERFLOW

log = logging.getLogger(__name__)

UNKNOWN_CODE = 255
"""Exit code of a container whose real one nobody knows."""


class ContainerExit(msgspec.Struct, frozen=True, kw_only=True):
    """One container's end."""

    container_id: str
    exit_code: int
    finished_at: int
    """Nanoseconds since the epoch."""
    oom_killed: bool
    """conmon saw the kernel kill a process of the container for its memory limit."""


def read_exit(exit_dir: str, container_id: str, persist_dir: str) -> ContainerExit | None:
    """The exit of one container, None while there is none."""
    path = os.path.join(exit_dir, container_id)
    try:
        finished_at = os.stat(path).st_mtime_ns
        text = read_text(path).strip()
    except FileNotFoundError:
        return None
    return ContainerExit(
        container_id=container_id,
        exit_code=_code(text, path),
        finished_at=finished_at,
        oom_killed=os.path.exists(os.path.join(persist_dir, "oom")),
    )


def mark_oom(persist_dir: str) -> None:
    """Leave conmon's mark of a kill for memory, for a container whose keeper tells it otherwise. Gone ones are fine."""
    try:
        ensure_file(os.path.join(persist_dir, "oom"))
    except FileNotFoundError:
        pass


class ExitWatch:
    """Async iterator of exits: first those that lie there, then new ones. A file stays until it is forgotten."""

    def __init__(self, exit_dir: str, persist_dir_of: Callable[[str], str]) -> None:
        """Watching begins here: no exit after this is missed. persist_dir_of tells a container's persist directory."""
        self._exit_dir = exit_dir
        self._persist_dir_of = persist_dir_of
        self._watch = DirectoryWatch(exit_dir, IN_MOVED_TO | IN_ONLYDIR)
        self._told: set[str] = set()

    async def __aiter__(self) -> AsyncIterator[ContainerExit]:
        for found in self._scan():
            yield found
        async for event in self._watch:
            # A full queue has lost events: look at everything again.
            news = self._scan() if event.mask & IN_Q_OVERFLOW else self._look(event.name)
            for found in news:
                yield found

    def forget(self, container_id: str) -> None:
        """Remove the exit file once the exit is on record."""
        remove_file(os.path.join(self._exit_dir, container_id))
        self._told.discard(container_id)

    def close(self) -> None:
        """End the iteration."""
        self._watch.close()

    def _scan(self) -> Iterator[ContainerExit]:
        for name in sorted(os.listdir(self._exit_dir)):
            yield from self._look(name)

    def _look(self, name: str) -> Iterator[ContainerExit]:
        # conmon writes "<id>.<random>" and renames it.
        if "." in name or name in self._told:
            return
        try:
            found = read_exit(self._exit_dir, name, self._persist_dir_of(name))
        except OSError as error:  # one broken file must not hide the others
            log.error("exit file of %s: %s", name, error)
            return
        if found is not None:
            self._told.add(name)
            yield found


def _code(text: str, path: str) -> int:
    if text.isdecimal() and int(text) <= UNKNOWN_CODE:
        return int(text)
    log.warning("%s holds %r in place of an exit code", path, text[:40])
    return UNKNOWN_CODE
