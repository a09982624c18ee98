"""Programs run to their end or started, with real programs."""

import asyncio
import gc
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.aio import process
from orlop.aio.process import CommandError, CommandTimeout, run, start
from orlop.aio.reaper import Reaper
from orlop.linux import processes
from tests.harness import descriptors


@pytest.fixture(autouse=True)
def _no_descriptor_left() -> Iterator[None]:
    """Around the loop: its own descriptors are not there yet, and no more."""
    before = sorted(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= len(before)


async def test_output_status_and_input() -> None:
    finished = await run(["sh", "-c", "cat; echo err >&2; exit 3"], stdin=b"in", check=False)
    assert (finished.returncode, finished.stdout, finished.stderr) == (3, b"in", b"err\n")
    assert finished.argv == ("sh", "-c", "cat; echo err >&2; exit 3")


async def test_failure_is_an_error_with_all_it_said() -> None:
    with pytest.raises(CommandError, match=r"exit status 3: reason$") as caught:
        await run(["sh", "-c", "echo out; echo reason >&2; exit 3"])
    assert (caught.value.returncode, caught.value.stdout, caught.value.stderr) == (3, b"out\n", b"reason\n")


@pytest.mark.parametrize("free", [1, 3, 5])
async def test_too_few_descriptors_leave_none_open(free: int) -> None:
    Reaper.current()  # it takes none at the first run
    with descriptors.only(free), pytest.raises(OSError, match="Too many open files"):
        await run(["true"], stdin=b"x")


async def test_large_streams_in_both_directions() -> None:
    data = os.urandom(3_000_000)
    finished = await run(["cat"], stdin=data, limit=len(data))
    assert finished.stdout == data
    both = await run(["sh", "-c", "tee /dev/stderr"], stdin=data, limit=len(data))
    assert both.stdout == both.stderr == data


async def test_a_program_may_ignore_its_input() -> None:
    assert (await run(["true"], stdin=b"x" * 1_000_000)).returncode == 0


async def test_no_input_is_dev_null() -> None:
    assert (await run(["cat"])).stdout == b""


async def test_environment_directory_and_descriptors(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"by descriptor")
    os.close(writer)
    try:
        script = f"pwd; echo $NAME; cat /proc/self/fd/{reader}; ls /proc/self/fd"
        finished = await run(["/bin/sh", "-c", script], env={"NAME": "v"}, cwd=str(tmp_path), pass_fds=(reader,))
    finally:
        os.close(reader)
    lines = finished.stdout.decode().split()
    assert lines[:4] == [str(tmp_path), "v", "by", "descriptor0"]
    assert set(lines[4:]) == {"1", "2", "3", str(reader)}


async def test_nothing_else_is_inherited() -> None:
    held = os.open("/proc/self/status", os.O_RDONLY)
    os.set_inheritable(held, True)
    try:
        finished = await run(["sh", "-c", f"test -e /proc/self/fd/{held}"], check=False)
    finally:
        os.close(held)
    assert finished.returncode == 1


@pytest.mark.parametrize(
    ("argv", "cwd"), [(["/nowhere/program"], None), (["no-such-program"], None), (["true"], "/nowhere")]
)
async def test_what_is_not_there(argv: list[str], cwd: str | None) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        await run(argv, cwd=cwd)
    assert caught.value.filename == (cwd or argv[0])


async def test_limit_kills_and_says_so() -> None:
    begin = time.monotonic()
    with pytest.raises(CommandError, match="wrote more than 1000 bytes to stdout and was killed") as caught:
        await run(["cat", "/dev/zero"], limit=1000)
    assert time.monotonic() - begin < 50
    assert len(caught.value.stdout) == 1000
    with pytest.raises(CommandError, match="to stderr"):
        await run(["sh", "-c", "cat /dev/zero >&2"], limit=1000)
    assert len((await run(["head", "-c1000", "/dev/zero"], limit=1000)).stdout) == 1000
    with pytest.raises(CommandError, match="more than 1000"):
        await run(["head", "-c1001", "/dev/zero"], limit=1000)


async def test_timeout_kills_the_group() -> None:
    begin = time.monotonic()
    with pytest.raises(CommandTimeout, match=r"did not end within 0\.1 s") as caught:
        await run(["sh", "-c", "echo so far; sleep 60 & sleep 60; wait"], timeout=0.1)
    assert time.monotonic() - begin < 50
    assert caught.value.stdout == b"so far\n"
    assert isinstance(caught.value, TimeoutError)
    assert "sleep 60 & sleep 60" in str(caught.value)
    await _no_children()


async def test_cancellation_kills_the_group_and_awaits_it() -> None:
    task = asyncio.create_task(run(["sh", "-c", "sleep 60 & sleep 60; wait"]))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _no_children()


async def _no_children() -> None:
    """Orphans of a killed group are adopted and reaped in a moment."""
    for _ in range(400):
        if not processes.children(os.getpid()):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("children are left")


async def test_daemonised_grandchildren_are_not_awaited() -> None:
    begin = time.monotonic()
    finished = await run(["sh", "-c", "setsid sleep 60 & echo $!"])
    took = time.monotonic() - begin
    pid = int(finished.stdout)
    try:
        assert took < 50
        assert processes.alive(pid, processes.start_time(pid))
    finally:
        os.kill(pid, signal.SIGKILL)
    assert await Reaper.current().wait(pid) == -signal.SIGKILL


async def test_late_output_within_the_grace_is_taken() -> None:
    finished = await run(["sh", "-c", "(sleep 0.03; echo late) & echo early"])
    assert finished.stdout == b"early\nlate\n"


async def test_started_process_has_the_given_descriptors(tmp_path: Path) -> None:
    log = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY)
    one = start(["sh", "-c", "echo out; echo err >&2; exit 4"], stdout=log, stderr=log)
    os.close(log)
    assert one.returncode is None
    assert await one.wait() == 4
    assert (tmp_path / "log").read_text() == "out\nerr\n"
    assert one.returncode == 4
    one.kill()  # ended already: nothing happens


async def test_sessions() -> None:
    own = start(["sleep", "60"])
    shared = start(["sleep", "60"], new_session=False)
    assert os.getsid(own.pid) == own.pid
    assert os.getsid(shared.pid) == os.getsid(0)
    for one in (own, shared):
        one.kill(signal.SIGTERM)
        assert await one.wait() == -signal.SIGTERM


async def test_no_warning_of_a_child_still_running() -> None:
    """subprocess.Popen would complain when it is collected; warnings are errors here."""
    one = start(["sleep", "0.05"])
    gc.collect()
    assert await one.wait() == 0
    assert not subprocess._active  # type: ignore[attr-defined]  # the list of children that Popen would poll


async def test_many_at_once() -> None:
    results = await asyncio.gather(*(run(["sh", "-c", f"cat; echo {n}"], stdin=b"in ") for n in range(30)))
    assert [finished.stdout for finished in results] == [b"in %d\n" % n for n in range(30)]


async def test_signals_of_the_program_are_as_new() -> None:
    """Python ignores SIGPIPE; a program must not inherit that."""
    finished = await run(["grep", "SigIgn", "/proc/self/status"])
    ignored = int(finished.stdout.split()[1], 16)
    assert not ignored >> (signal.SIGPIPE - 1) & 1


async def test_a_program_that_cannot_be_killed_is_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As one in uninterruptible sleep: the signal is held back here."""
    monkeypatch.setattr(process, "KILL_LIMIT", 0.05)
    held = process.Process.kill
    started: list[process.Process] = []
    monkeypatch.setattr(process.Process, "kill", lambda self, signo=signal.SIGKILL: started.append(self))
    with pytest.raises(CommandTimeout):
        await run(["sleep", "60"], timeout=0.02)
    assert "does not end after SIGKILL" in caplog.text
    held(started[0])
    await started[0].wait()
