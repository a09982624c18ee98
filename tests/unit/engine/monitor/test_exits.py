"""Exits read from files as conmon writes them."""

import asyncio
import os
from pathlib import Path

import pytest

from orlop.engine.monitor.exits import ContainerExit, ExitWatch, read_exit


def leave(exits: Path, name: str, text: str, mtime: int = 5_000_000_001) -> None:
    """Write as conmon does: under another name, then renamed."""
    temporary = exits / f"{name}.X1Y2Z3"
    temporary.write_text(text)
    os.utime(temporary, ns=(mtime, mtime))
    temporary.rename(exits / name)


@pytest.mark.parametrize(
    ("text", "code"), [("0", 0), ("137\n", 137), ("255", 255), ("-1", 255), ("", 255), ("x", 255), ("256", 255)]
)
def test_codes(tmp_path: Path, text: str, code: int) -> None:
    leave(tmp_path, "abc", text)
    assert read_exit(str(tmp_path), "abc", "/none") == ContainerExit(
        container_id="abc", exit_code=code, finished_at=5_000_000_001, oom_killed=False
    )


def test_the_oom_flag_and_absence(tmp_path: Path) -> None:
    assert read_exit(str(tmp_path), "abc", str(tmp_path)) is None
    leave(tmp_path, "abc", "137")
    (tmp_path / "oom").touch()
    found = read_exit(str(tmp_path), "abc", str(tmp_path))
    assert found is not None
    assert found.oom_killed


async def test_old_exits_then_new_ones_each_once(tmp_path: Path) -> None:
    leave(tmp_path, "old", "1")
    watch = ExitWatch(str(tmp_path), lambda _: "/none")
    leave(tmp_path, "between", "2")  # after the watch, before the scan: seen by both
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def collect() -> None:
        async for found in watch:
            seen.put_nowait(found.container_id)

    task = asyncio.create_task(collect())
    assert {await seen.get(), await seen.get()} == {"old", "between"}
    leave(tmp_path, "new", "3")
    assert await asyncio.wait_for(seen.get(), 5) == "new"
    watch.forget("new")
    watch.forget("new")
    assert sorted(os.listdir(tmp_path)) == ["between", "old"]
    leave(tmp_path, "new", "4")  # a forgotten name may come again
    assert await asyncio.wait_for(seen.get(), 5) == "new"
    watch.close()
    await asyncio.wait_for(task, 5)
    assert seen.empty()


async def test_a_missing_directory_is_told_at_once() -> None:
    with pytest.raises(FileNotFoundError):
        ExitWatch("/no/such/dir", lambda _: "")


async def test_a_file_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    leave(tmp_path, "other", "1")
    watch = ExitWatch(str(tmp_path), lambda name: "/none")
    try:
        assert (await anext(aiter(watch))).container_id == "other"
    finally:
        watch.close()
