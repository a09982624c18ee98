"""A monitor's death is told once, and only while somebody wants to know."""

import asyncio

from orlop.aio.process import start
from orlop.aio.reaper import Reaper
from orlop.engine.monitor.liveness import MonitorWatch
from orlop.linux.processes import start_time


async def test_told_once() -> None:
    gone: asyncio.Queue[str] = asyncio.Queue()

    async def note(container_id: str) -> None:
        watch.forget(container_id)  # as services do when they finalise; must not cancel this very callback
        await asyncio.sleep(0)
        gone.put_nowait(container_id)

    watch = MonitorWatch(Reaper.current(), note)
    process = start(["sleep", "300"])
    began = start_time(process.pid)
    watch.watch("abc", process.pid, began)
    watch.watch("abc", process.pid, began)
    process.kill()
    assert await asyncio.wait_for(gone.get(), 5) == "abc"
    await watch.aclose()
    assert gone.empty()


async def test_one_that_is_gone_already_is_told_too() -> None:
    gone: asyncio.Queue[str] = asyncio.Queue()

    async def note(container_id: str) -> None:
        gone.put_nowait(container_id)

    watch = MonitorWatch(Reaper.current(), note)
    watch.watch("abc", 2**22 - 1, 1)
    assert await asyncio.wait_for(gone.get(), 5) == "abc"
    await watch.aclose()


async def test_forgotten_ones_are_not_told() -> None:
    gone: list[str] = []

    async def note(container_id: str) -> None:
        gone.append(container_id)

    watch = MonitorWatch(Reaper.current(), note)
    process = start(["sleep", "300"])
    watch.watch("abc", process.pid, start_time(process.pid))
    watch.forget("abc")
    watch.forget("unknown")
    process.kill()
    await process.wait()
    await watch.aclose()
    assert gone == []
