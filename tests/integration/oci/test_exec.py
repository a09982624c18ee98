"""Commands in a running container: output, codes, time limits, many at once."""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from orlop.aio.reaper import Reaper
from orlop.engine.oci.exec import STREAM_LIMIT, exec_detached, exec_sync
from orlop.engine.oci.inputs import Spec
from orlop.engine.oci.spec import exec_process_of
from orlop.linux.cgroups.detection import detect
from orlop.model.errors import InvalidArgument, NotFound, TimedOut
from orlop.model.security import LinuxContainerSecurityContext, SecurityProfile
from tests.integration.oci.box import Box, Place, config, script, until

Make = Callable[..., Box]


@pytest.fixture
async def sleeper(box: Make) -> Box:
    """A container with nothing to do."""
    context = LinuxContainerSecurityContext(run_as_user=1000, seccomp=SecurityProfile())
    one = await box(config("sleep", "1000", context=context)).start()
    await until(lambda: processes_of(one) == ["sleep 1000"])
    return one


async def test_streams_code_and_identity(sleeper: Box) -> None:
    result = await sleeper.execute("echo out; echo err >&2; id -u; cat; exit 7")
    assert (result.exit_code, result.stdout, result.stderr) == (7, b"out\n1000\n", b"err\n")


async def test_the_filter_holds_for_commands_too(sleeper: Box) -> None:
    result = await sleeper.execute("grep Seccomp: /proc/self/status; grep CapEff /proc/self/status")
    assert result.stdout == b"Seccomp:\t2\nCapEff:\t0000000000000000\n"


async def test_death_by_signal(sleeper: Box) -> None:
    assert (await sleeper.execute("kill -9 $$")).exit_code == 137


async def test_a_container_that_is_frozen_for_a_moment_is_waited_for(sleeper: Box) -> None:
    """While another command is killed the cgroup is frozen, and OCI runtimes refuse to start one in it."""
    hierarchy = detect()
    hierarchy.freeze(sleeper.cgroup)
    asyncio.get_running_loop().call_later(0.3, hierarchy.thaw, sleeper.cgroup)
    result = await sleeper.execute("echo thawed")
    assert result.stdout == b"thawed\n"


async def test_a_missing_command_is_an_error_that_names_it(sleeper: Box) -> None:
    with pytest.raises(InvalidArgument, match="no-such-program"):
        await sleeper.execute("no-such-program", "x")


async def test_a_container_that_is_gone(at: Place) -> None:
    one = at.box(config("true"))
    os.mkdir(one.bundle)
    process: Spec = {"args": ["true"], "cwd": "/", "env": [], "user": {"uid": 0, "gid": 0}}
    with pytest.raises(NotFound, match=one.id):
        await exec_sync(one.target(), process, reaper=Reaper.current())
    os.rmdir(one.bundle)


async def test_no_files_are_left(sleeper: Box) -> None:
    before = sorted(os.listdir(sleeper.bundle))
    await sleeper.execute("true")
    with pytest.raises(InvalidArgument):
        await sleeper.execute("no-such-program", "x")
    assert sorted(os.listdir(sleeper.bundle)) == before


async def test_output_beyond_the_limit_is_dropped_without_blocking(sleeper: Box) -> None:
    result = await sleeper.execute("dd if=/dev/zero bs=1M count=20 2>/dev/null; echo end >&2; exit 3", timeout=60)
    assert (result.exit_code, len(result.stdout), result.stderr) == (3, STREAM_LIMIT, b"end\n")


async def test_a_daemonised_grandchild_does_not_hold_the_answer(sleeper: Box) -> None:
    began = time.monotonic()
    result = await sleeper.execute("sleep 600 & echo done")
    assert result.stdout == b"done\n"
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    "body",
    [
        "sleep 777",
        "sleep 777 & sleep 777 & wait",
        "(sleep 777 &) ; sleep 777",  # its parent has ended
        "setsid sleep 777 & sleep 777",  # a session of its own
        "trap '' TERM; while true; do sleep 777; done",
    ],
)
async def test_a_time_limit_kills_all_descendants_and_nobody_else(sleeper: Box, body: str) -> None:
    with pytest.raises(TimedOut, match=r"0\.5 s"):
        await sleeper.execute(body, timeout=0.5)
    await until(lambda: processes_of(sleeper) == ["sleep 1000"])
    assert (await sleeper.execute("echo fine")).stdout == b"fine\n"


async def test_without_a_cgroup_the_descendants_are_found_as_well(sleeper: Box) -> None:
    process = exec_process_of(sleeper.bundle, ("/bin/sh", "-c", "(sleep 777 &); sleep 777"))
    with pytest.raises(TimedOut):
        await exec_sync(replace(sleeper.target(), cgroup=""), process, reaper=Reaper.current(), timeout=0.5)
    await until(lambda: processes_of(sleeper) == ["sleep 1000"])


@pytest.mark.parametrize("delay", [0, 0.005, 0.01, 0.02, 0.04, 0.3])
async def test_a_caller_cancelled_at_any_time_leaves_nothing_running(sleeper: Box, delay: float) -> None:
    task = asyncio.create_task(sleeper.execute("sleep 777"))
    await asyncio.sleep(delay)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: processes_of(sleeper) == ["sleep 1000"])
    assert not [name for name in os.listdir(sleeper.bundle) if name.startswith("exec-")]


async def test_a_runtime_that_hangs_is_given_up(sleeper: Box, tmp_path: Path) -> None:
    fake = str(tmp_path / "hanging-runtime")
    script(fake, "exec sleep 777")
    target = replace(sleeper.target(), runtime=replace(sleeper.place.runtime, path=fake, time_limit=0.3))
    with pytest.raises(TimedOut, match="did not end in time"):
        await exec_sync(target, exec_process_of(sleeper.bundle, ("true",)), reaper=Reaper.current())


async def test_detached_with_stdin(sleeper: Box) -> None:
    stdin_read, stdin_write = os.pipe()
    out_read, out_write = os.pipe()
    process = exec_process_of(sleeper.bundle, ("cat",))
    pid = await exec_detached(sleeper.target(), process, stdin=stdin_read, stdout=out_write)
    os.close(stdin_read)
    os.close(out_write)
    os.write(stdin_write, b"through\n")
    os.close(stdin_write)
    assert await Reaper.current().wait(pid) == 0
    assert os.read(out_read, 100) == b"through\n"
    os.close(out_read)


async def test_a_terminal_by_console_socket(sleeper: Box) -> None:
    path = sleeper.place.path("console.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(path)
        server.listen()
        server.settimeout(10)
        accepting = asyncio.create_task(asyncio.to_thread(receive_descriptor, server))
        process = exec_process_of(sleeper.bundle, ("sh", "-c", "tty; echo $TERM; exit 5"), terminal=True)
        pid = await exec_detached(sleeper.target(), process, console_socket=path)
        master = await accepting
    assert await Reaper.current().wait(pid) == 5
    assert os.read(master, 100).split() == [b"/dev/pts/0", b"xterm"]
    os.close(master)


async def test_a_hundred_at_once(sleeper: Box) -> None:
    results = await asyncio.gather(*(sleeper.execute(f"echo {n}; exit {n}", timeout=120) for n in range(100)))
    assert [(result.exit_code, result.stdout) for result in results] == [(n, f"{n}\n".encode()) for n in range(100)]


def receive_descriptor(server: socket.socket) -> int:
    """The terminal's master, as the OCI runtime sends it."""
    connection, _ = server.accept()
    with connection:
        return socket.recv_fds(connection, 4096, 1)[1][0]


def processes_of(one: Box) -> list[str]:
    """Command lines of the container's living processes."""
    lines = []
    for pid in detect().pids(one.cgroup):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                line = file.read().replace(b"\0", b" ").decode().strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if line:
            lines.append(line)
    return lines


async def test_moves_are_kept_ready_while_the_runtime_starts_a_command_and_no_longer(sleeper: Box) -> None:
    turns: list[str] = []

    @contextmanager
    def moving() -> Iterator[None]:
        turns.append("begun")
        yield
        turns.append("started")

    target = replace(sleeper.target(), moving=moving)
    pid = await exec_detached(target, exec_process_of(sleeper.bundle, ("sleep", "2000")))
    assert turns == ["begun", "started"]
    assert pid in detect().pids(sleeper.cgroup)
