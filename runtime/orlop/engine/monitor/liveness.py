"""The death of a monitor: seen by pidfd, so that its container does not seem to run for ever."""

import asyncio
from collections.abc import Awaitable, Callable

from orlop.aio.reaper import Reaper
from orlop.aio.tasks import Background


class MonitorWatch:
    """Calls back when a monitor is gone.

    A normal exit of the container ends its monitor too, after it has written the exit file: the callback must look for
    that first. Without one the exit code is unknown, and the container may even run on, with nobody to read its output.
    """

    def __init__(self, reaper: Reaper, on_gone: Callable[[str], Awaitable[None]]) -> None:
        self._reaper = reaper
        self._on_gone = on_gone
        self._background = Background()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def watch(self, container_id: str, monitor_pid: int, monitor_start: int) -> None:
        """Watch one monitor, our child or (after a restart of the daemon) not."""
        self.forget(container_id)
        watching = self._wait(container_id, monitor_pid, monitor_start)
        task = self._background.spawn(watching, f"monitor of {container_id[:12]}")
        self._tasks[container_id] = task
        task.add_done_callback(lambda done: self._drop(container_id, done))

    def forget(self, container_id: str) -> None:
        """Stop watching. A callback that runs already runs to its end."""
        task = self._tasks.pop(container_id, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    async def aclose(self) -> None:
        """Stop watching all."""
        await self._background.aclose()

    async def _wait(self, container_id: str, pid: int, start: int) -> None:
        await self._reaper.wait_foreign(pid, start)
        self._tasks.pop(container_id, None)
        await self._on_gone(container_id)

    def _drop(self, container_id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(container_id) is task:
            del self._tasks[container_id]
