"""Background tasks with names that never die unseen.

Work with a result that somebody awaits is not here (joining.py).
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Background:
    """The tasks of one owner: held, named, logged when one dies, cancelled and awaited at the owner's end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, coro: Coroutine[Any, Any, object], name: str) -> asyncio.Task[None]:
        """Run a coroutine as a task. An exception that leaves it is logged with the task's name and goes no further."""
        task = asyncio.create_task(_guard(coro, name), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: coro.close())  # cancelled before its first step: not "never awaited"
        return task

    async def aclose(self) -> None:
        """Cancel every task and await their ends; tasks that are spawned meanwhile too."""
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._tasks.difference_update(tasks)

    async def drain(self) -> None:
        """Await the tasks' own ends without cancelling them."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def __len__(self) -> int:
        return len(self._tasks)


async def _guard(coro: Coroutine[Any, Any, object], name: str) -> None:
    try:
        await coro
    except asyncio.CancelledError:
        raise
    except Exception:  # whatever it is: the task is the last place where it can be told
        log.exception("background task %r died", name)
