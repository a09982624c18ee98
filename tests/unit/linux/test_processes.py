"""Identity by pid and start time, against real processes."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.linux import processes


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def _cmdline(pid: int) -> list[str]:
    """The kernel lets a parent go on a moment before execve(2) has set up the arguments."""
    deadline = time.monotonic() + 5
    while not (found := processes.cmdline(pid)) and time.monotonic() < deadline:
        time.sleep(0.001)
    return found


def test_start_time_is_since_boot(sleeper: subprocess.Popen[bytes]) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert abs(processes.start_time(sleeper.pid) / ticks - uptime) < 5
    assert processes.read_stat(sleeper.pid).parent == os.getpid()


def test_names_with_spaces_and_parentheses(tmp_path: Path) -> None:
    program = tmp_path / "a ) R 1 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "60"]) as process:
        try:
            stat = processes.read_stat(process.pid)
            assert stat.parent == os.getpid()
            assert processes.alive(process.pid, stat.start)
            assert _cmdline(process.pid) == [str(program), "60"]
        finally:
            process.kill()


def test_alive_knows_zombies_and_other_processes(sleeper: subprocess.Popen[bytes]) -> None:
    start = processes.start_time(sleeper.pid)
    assert processes.alive(sleeper.pid, start)
    assert not processes.alive(sleeper.pid, start + 1)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not processes.alive(sleeper.pid, start)
    os.close(processes.open_pidfd(sleeper.pid, start))
    sleeper.wait()
    assert not processes.alive(sleeper.pid, start)
    with pytest.raises(ProcessLookupError, match=str(sleeper.pid)):
        processes.start_time(sleeper.pid)


def test_signal_hits_only_the_very_process(sleeper: subprocess.Popen[bytes]) -> None:
    start = processes.start_time(sleeper.pid)
    before = len(os.listdir("/proc/self/fd"))
    assert not processes.send_signal(sleeper.pid, start - 1, signal.SIGKILL)
    assert sleeper.poll() is None
    assert processes.send_signal(sleeper.pid, start, signal.SIGTERM)
    assert sleeper.wait() == -signal.SIGTERM
    assert not processes.send_signal(sleeper.pid, start, signal.SIGTERM)
    assert len(os.listdir("/proc/self/fd")) == before


def test_children_of_all_threads() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & sleep 60 & wait"]) as shell:
        try:
            deadline = time.monotonic() + 5
            while len(found := processes.children(shell.pid)) < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert len(found) == 2
        finally:
            for child in found:
                os.kill(child, signal.SIGKILL)
    assert processes.children(shell.pid) == []


def test_cmdline_of_zombie_and_missing(sleeper: subprocess.Popen[bytes]) -> None:
    assert _cmdline(sleeper.pid) == ["sleep", "60"]
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert processes.cmdline(sleeper.pid) == []
    sleeper.wait()
    with pytest.raises(ProcessLookupError):
        processes.cmdline(sleeper.pid)


def test_clamp_gives_a_value_that_the_kernel_takes() -> None:
    own = int(Path("/proc/self/oom_score_adj").read_text())
    privileged = processes.has_capability(processes.CAP_SYS_RESOURCE)
    assert processes.clamp_oom_score_adj(5000) == 1000
    assert processes.clamp_oom_score_adj(-5000) == (-1000 if privileged else own)
    code = "import sys; open('/proc/self/oom_score_adj', 'w').write(sys.argv[1])"
    for wanted in (-1000, -998, 0, 2, 1000):
        value = processes.clamp_oom_score_adj(wanted)
        subprocess.run(["python3", "-c", code, str(value)], check=True)
