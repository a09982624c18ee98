"""conmon's control fifo, with a reader in conmon's place."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.engine.monitor.control import attach_socket, reopen_log, resize_terminal
from orlop.model.errors import FailedPrecondition, NotFound, TimedOut


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[int]:
    os.mkfifo(tmp_path / "ctl")
    reader = os.open(tmp_path / "ctl", os.O_RDONLY | os.O_NONBLOCK)
    yield reader
    os.close(reader)


def test_resize(tmp_path: Path, fifo: int) -> None:
    resize_terminal(str(tmp_path), width=132, height=50)
    assert os.read(fifo, 100) == b"1 50 132\n"


async def test_reopen_waits_for_the_new_file(tmp_path: Path, fifo: int) -> None:
    log = tmp_path / "0.log"
    task = asyncio.create_task(reopen_log(str(tmp_path), str(log)))
    await asyncio.sleep(0.05)
    assert os.read(fifo, 100) == b"2 0 0\n"
    assert not task.done()
    (tmp_path / "other.tmp").touch()
    (tmp_path / "other.tmp").rename(tmp_path / "other")
    await asyncio.sleep(0.05)
    assert not task.done()
    (tmp_path / "0.log.tmp").touch()
    (tmp_path / "0.log.tmp").rename(log)
    await asyncio.wait_for(task, 5)


async def test_reopen_has_a_time_limit(tmp_path: Path, fifo: int) -> None:
    with pytest.raises(TimedOut, match=r"0\.log"):
        await reopen_log(str(tmp_path), str(tmp_path / "0.log"), timeout=0.05)


async def test_a_log_with_lines_is_not_touched(tmp_path: Path, fifo: int) -> None:
    (tmp_path / "0.log").write_text("line\n")
    await reopen_log(str(tmp_path), str(tmp_path / "0.log"))
    with pytest.raises(BlockingIOError):
        os.set_blocking(fifo, False)
        writer = os.open(tmp_path / "ctl", os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.read(fifo, 1)
        finally:
            os.close(writer)


async def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(FailedPrecondition, match="not running"):
        resize_terminal(str(tmp_path), width=1, height=1)
    os.mkfifo(tmp_path / "ctl")
    with pytest.raises(FailedPrecondition, match="not running"):
        await reopen_log(str(tmp_path), str(tmp_path / "0.log"))
    with pytest.raises(NotFound, match="/no/dir"):
        await reopen_log(str(tmp_path), "/no/dir/0.log")


def test_the_attach_sockets_path() -> None:
    assert attach_socket("/run/s", "abc") == "/run/s/abc/attach"
