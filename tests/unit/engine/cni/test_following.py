"""Changes of the configuration directory are told, also where it does not exist yet."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orlop.engine.cni.following import follow


class Follower:
    """Counts calls, and waits for the next one."""

    def __init__(self, directory: Path) -> None:
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(follow(str(directory), self._changed.set))

    async def told(self) -> None:
        async with asyncio.timeout(5):
            await self._changed.wait()
        self._changed.clear()

    async def settle(self) -> None:
        await asyncio.sleep(0.05)
        self._changed.clear()

    async def silent(self) -> None:
        await asyncio.sleep(0.05)
        assert not self._changed.is_set()

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
async def followers() -> AsyncIterator[list[Follower]]:
    made: list[Follower] = []
    yield made
    for follower in made:
        await follower.end()


async def test_changes_of_files_are_told(tmp_path: Path, followers: list[Follower]) -> None:
    followers.append(follower := Follower(tmp_path))
    await follower.told()
    (tmp_path / "a").write_text("1")
    await follower.told()
    (tmp_path / "a").rename(tmp_path / "b")
    await follower.told()
    await follower.silent()
    (tmp_path / "b").unlink()
    await follower.told()


async def test_a_directory_may_come_later_part_by_part(tmp_path: Path, followers: list[Follower]) -> None:
    directory = tmp_path / "etc" / "cni" / "net.d"
    followers.append(follower := Follower(directory))
    await follower.told()
    (tmp_path / "other").mkdir()
    await follower.silent()
    directory.mkdir(parents=True)
    await follower.told()
    await asyncio.sleep(0.05)
    await follower.end()
    followers.append(follower := Follower(directory))
    await follower.told()
    (directory / "a").write_text("1")
    await follower.told()


async def test_a_directory_may_go_and_come_again(tmp_path: Path, followers: list[Follower]) -> None:
    directory = tmp_path / "net.d"
    directory.mkdir()
    followers.append(follower := Follower(directory))
    await follower.told()
    shutil.rmtree(directory)
    await follower.told()
    await asyncio.sleep(0.05)
    directory.mkdir()
    await follower.told()
    await asyncio.sleep(0.05)
    (directory / "a").write_text("1")
    await follower.told()


async def test_a_directory_that_is_moved_away_is_gone(tmp_path: Path, followers: list[Follower]) -> None:
    directory = tmp_path / "net.d"
    directory.mkdir()
    followers.append(follower := Follower(directory))
    await follower.told()
    directory.rename(tmp_path / "old")
    await follower.settle()
    (tmp_path / "old" / "a").write_text("1")
    await follower.silent()
