"""Directory watches on the loop, with a real directory."""

import asyncio
import os
from pathlib import Path

import pytest

from orlop.aio import watching
from orlop.aio.watching import OVERFLOW, DirectoryWatch
from orlop.linux.files import read_text
from orlop.linux.inotify import IN_CLOSE_WRITE, IN_CREATE, IN_DELETE, IN_MOVED_TO, IN_Q_OVERFLOW

MASK = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE


async def test_events_come_as_they_happen(tmp_path: Path) -> None:
    with DirectoryWatch(str(tmp_path), MASK) as watch:
        waiting = asyncio.create_task(anext(watch))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        (tmp_path / ".tmp").write_text("x")
        os.rename(tmp_path / ".tmp", tmp_path / "exit")
        (tmp_path / "exit").unlink()
        events = [await waiting, await anext(watch), await anext(watch)]
    assert [(event.mask, event.name) for event in events] == [
        (IN_CLOSE_WRITE, ".tmp"),
        (IN_MOVED_TO, "exit"),
        (IN_DELETE, "exit"),
    ]


@pytest.mark.parametrize("kind", ["missing", "file"])
async def test_only_directories_that_exist(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").touch()
    before = os.listdir("/proc/self/fd")
    with pytest.raises((FileNotFoundError, NotADirectoryError), match=kind):
        DirectoryWatch(str(tmp_path / kind), MASK)
    assert os.listdir("/proc/self/fd") == before


async def test_closing_ends_the_iteration(tmp_path: Path) -> None:
    watch = DirectoryWatch(str(tmp_path), MASK)

    async def read() -> list[str]:
        return [event.name async for event in watch]

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    watch.close()
    watch.close()
    assert await asyncio.wait_for(reading, 1) == []


async def test_the_directorys_end_ends_the_iteration(tmp_path: Path) -> None:
    directory = tmp_path / "d"
    directory.mkdir()
    (directory / "f").touch()
    with DirectoryWatch(str(directory), MASK) as watch:
        (directory / "f").unlink()
        directory.rmdir()
        async with asyncio.timeout(2):
            assert [event.name async for event in watch] == ["f"]


async def test_own_overflow_makes_one_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "BACKLOG", 10)
    with DirectoryWatch(str(tmp_path), IN_CREATE) as watch:
        for number in range(25):
            (tmp_path / str(number)).touch()
        await asyncio.sleep(0.01)
        first = await anext(watch)
        assert first is OVERFLOW
        assert first.mask & IN_Q_OVERFLOW


async def test_kernel_overflow_is_told(tmp_path: Path) -> None:
    """More events than the kernel queues while the loop is busy."""
    limit = int(read_text("/proc/sys/fs/inotify/max_queued_events"))
    names = [str(tmp_path / name) for name in ("a", "b")]
    with DirectoryWatch(str(tmp_path), IN_CREATE | IN_DELETE) as watch:
        for number in range(limit // 2 + 10):
            name = names[number % 2]  # the same event twice in a row would be merged
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
            os.unlink(name)
        async with asyncio.timeout(10):
            async for event in watch:
                if event is OVERFLOW:
                    break
        (tmp_path / "after").touch()
        async with asyncio.timeout(2):
            assert "after" in [(await anext(watch)).name]
