"""What conmon leaves is removed; only conmon is killed."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from orlop.aio.process import start
from orlop.engine.monitor.leftovers import kill_monitor, kill_orphaned_monitor, remove_leftovers
from orlop.linux.processes import children, cmdline


def test_links_and_exit_files(tmp_path: Path) -> None:
    (tmp_path / "sock").mkdir()
    (tmp_path / "exits").mkdir()
    (tmp_path / "sock/abc").symlink_to("/gone")
    (tmp_path / "exits/abc").touch()
    for _ in range(2):
        remove_leftovers("abc", socket_dir=str(tmp_path / "sock"), exit_dir=str(tmp_path / "exits"))
    assert os.listdir(tmp_path / "sock") == os.listdir(tmp_path / "exits") == []


def test_a_stale_pid_file_kills_nobody(tmp_path: Path) -> None:
    kill_monitor(str(tmp_path))
    (tmp_path / "conmon-pidfile").write_text(str(os.getpid()))
    kill_monitor(str(tmp_path))  # this process is no monitor of that bundle


async def test_a_monitor_without_a_pid_file_is_found_among_our_children(tmp_path: Path) -> None:
    # Reaped by the loop's reaper, as in the daemon, with the orphans that they leave.
    other = start(["sh", "-c", "sleep 300; true", "monitor", "/another/bundle"])
    monitor = start(["sh", "-c", "sleep 300; true", "monitor", str(tmp_path)])
    await until(lambda: cmdline(other.pid) != [] != cmdline(monitor.pid))  # empty for a moment in execve(2)
    kill_monitor(str(tmp_path))
    assert await asyncio.wait_for(monitor.wait(), 5) == -signal.SIGKILL
    assert other.returncode is None
    other.kill()
    await other.wait()
    await until(lambda: not children(os.getpid()))


async def until(condition: Callable[[], bool]) -> None:
    """Wait, 5 s at most."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what other processes do is no event of ours
            await asyncio.sleep(0.01)


async def test_an_orphan_is_found_wherever_it_is(tmp_path: Path) -> None:
    other = start(["sh", "-c", "sleep 300; true", "monitor", "/another/bundle"])
    monitor = start(["sh", "-c", "sleep 300; true", "monitor", str(tmp_path)])
    await until(lambda: cmdline(other.pid) != [] != cmdline(monitor.pid))
    kill_orphaned_monitor(str(tmp_path))
    assert await asyncio.wait_for(monitor.wait(), 5) == -signal.SIGKILL
    assert other.returncode is None
    with pytest.raises(ValueError, match="'' is not the path of a bundle"):
        kill_orphaned_monitor("")
    other.kill()
    await other.wait()
    await until(lambda: not children(os.getpid()))
