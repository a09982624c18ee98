"""Who holds the pid file is the daemon."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orlop.daemon.pidfile import PidFile, path_in, running
from orlop.model.errors import AlreadyExists

HOLDER = """
import sys
from orlop.daemon.pidfile import PidFile
PidFile(sys.argv[1]).take()
print("taken", flush=True)
sys.stdin.read()
"""


def test_no_file_means_no_daemon(tmp_path: Path) -> None:
    assert running(path_in(str(tmp_path))) is None


def test_taken_and_released(tmp_path: Path) -> None:
    path = path_in(str(tmp_path))
    file = PidFile(path)
    file.take()
    assert running(path) == os.getpid()
    assert Path(path).read_text() == f"{os.getpid()}\n"
    file.release()
    assert running(path) is None
    PidFile(path).take()


def test_a_pid_left_by_a_crash_means_nothing(tmp_path: Path) -> None:
    path = path_in(str(tmp_path))
    Path(path).write_text(f"{os.getppid()}\n")
    assert running(path) is None


def test_another_process_holds_it_until_it_is_killed(tmp_path: Path) -> None:
    path = path_in(str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"taken\n"
        assert running(path) == other.pid
        with pytest.raises(AlreadyExists, match=rf"another daemon \(pid {other.pid}\) holds"):
            PidFile(path).take()
        other.kill()
    assert running(path) is None
    PidFile(path).take()
