"""The death of a monitor: seen by pidfd, so that its container does not seem to run for ever."""

from collections.abc import Awaitable, Callable

from orlop.aio.reaper import Reaper


class MonitorWatch:
    """Calls back when a monitor is gone. A normal exit of the container ends its monitor too: look for the exit first."""

    def __init__(self, reaper: Reaper, on_gone: Callable[[str], Awaitable[None]]) -> None: ...

    def watch(self, container_id: str, monitor_pid: int, monitor_start: int) -> None:
        """Watch one monitor, our child or (after a restart of the daemon) not."""

    def forget(self, container_id: str) -> None:
        """Stop watching."""

    async def aclose(self) -> None:
        """Stop watching all."""
