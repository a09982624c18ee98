"""Exits of containers, from the files that conmon leaves: seen at once by inotify, found later by a scan."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ContainerExit:
    """One container's end."""

    container_id: str
    exit_code: int
    finished_at: int
    """Nanoseconds since the epoch."""
    oom_killed: bool
    """conmon saw the kernel kill a process of the container for its memory limit."""


def read_exit(exit_dir: str, container_id: str, persist_dir: str) -> ContainerExit | None:
    """The exit of one container, None while there is none."""
    raise NotImplementedError


class ExitWatch:
    """Async iterator of exits: first those that lie there, then new ones as they happen. A file stays until forgotten."""

    def __init__(self, exit_dir: str, persist_dir_of: Callable[[str], str]) -> None: ...

    def __aiter__(self) -> AsyncIterator[ContainerExit]:
        raise NotImplementedError

    def forget(self, container_id: str) -> None:
        """Remove the exit file once the exit is on record."""

    def close(self) -> None:
        """End the iteration."""
