"""What conmon leaves is removed; only conmon is killed."""

import os
import signal
import subprocess
from pathlib import Path

from orlop.engine.monitor.leftovers import kill_monitor, remove_leftovers


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


def test_a_monitor_without_a_pid_file_is_found_among_our_children(tmp_path: Path) -> None:
    other = subprocess.Popen(["sh", "-c", "sleep 300; true", "monitor", "/another/bundle"], start_new_session=True)
    monitor = subprocess.Popen(["sh", "-c", "sleep 300; true", "monitor", str(tmp_path)])
    kill_monitor(str(tmp_path))
    assert monitor.wait(5) == -signal.SIGKILL
    assert other.poll() is None
    os.killpg(other.pid, signal.SIGKILL)
    other.wait()
