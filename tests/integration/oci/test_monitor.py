"""conmon itself: its place, its log, its exits and its death."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable

import pytest

from orlop.aio.reaper import Reaper
from orlop.engine.monitor.conmon import Conmon
from orlop.engine.monitor.control import attach_socket, reopen_log, resize_terminal
from orlop.engine.monitor.exits import ContainerExit, ExitWatch
from orlop.engine.monitor.liveness import MonitorWatch
from orlop.engine.monitor.placement import monitor_cgroup
from orlop.linux.cgroups.detection import detect
from orlop.model.errors import FailedPrecondition, OrlopError, TimedOut
from tests.harness import cgroups
from tests.integration.oci.box import CONMON, Box, Place, config, listing, read, script, until

Make = Callable[..., Box]


async def test_the_version_is_accepted() -> None:
    assert (await Conmon(CONMON).version()).startswith("2.")


async def test_conmon_is_placed_before_it_starts_the_runtime(box: Make) -> None:
    hierarchy = detect()
    path = monitor_cgroup("p", f"{cgroups.PODS}/pod")
    hierarchy.create(path)
    one = await box(config("sleep", "1000")).create(place=lambda pid: hierarchy.move(path, pid))
    assert one.monitored is not None
    assert hierarchy.pids(path) == [one.monitored.monitor_pid]
    assert hierarchy.cgroup_of(one.monitored.pid) == one.cgroup
    await one.remove()
    hierarchy.remove(f"{cgroups.PODS}/pod")


async def test_a_place_that_fails_creates_nothing(box: Make, at: Place) -> None:
    def refuse(_pid: int) -> None:
        raise OSError(28, "no space", "/a/cgroup")

    one = box(config("touch /tmp/ran"))
    with pytest.raises(OrlopError, match=r"no space.*/a/cgroup"):
        await one.create(place=refuse)
    assert listing(at.path("sock")) == listing(at.path("exits")) == []
    assert one.id not in listing(at.runtime.root)


async def test_the_bundle_is_filled_while_the_monitor_is_moved(box: Make) -> None:
    one = box(config("exit 3"))
    placed: list[int] = []

    async def complete() -> None:
        await until(lambda: bool(placed))
        one.write()

    await one.create(place=placed.append, complete=complete)
    await one.place.runtime.start(one.id)
    assert (await one.finish()).exit_code == 3


async def test_a_bundle_that_cannot_be_filled_ends_its_monitor(box: Make, at: Place) -> None:
    async def complete() -> None:
        raise OrlopError("no such layer")

    with pytest.raises(OrlopError, match="no such layer"):
        await box(config("true")).create(complete=complete)
    # That no process is left the leak check sees.
    assert listing(at.path("sock")) == listing(at.path("exits")) == []


async def test_a_creation_that_takes_too_long_is_ended_with_all_its_processes(box: Make, at: Place) -> None:
    hanging = at.path("hanging-runtime")
    script(hanging, "sleep 777")
    one = box(config("true"))
    with pytest.raises(TimedOut, match=one.id):
        await one.create(runtime_path=hanging, timeout=0.5)
    # That no process is left, conmon and the runtime's child included, the leak check sees.
    assert listing(at.path("sock")) == []


async def test_a_runtime_that_dies_without_a_word(box: Make, at: Place) -> None:
    silent = at.path("silent-runtime")
    script(silent, "exit 1")
    with pytest.raises(Exception, match="create container"):
        await box(config("true")).create(runtime_path=silent)


async def test_no_log_at_all(box: Make) -> None:
    one = await box(config("echo unheard; exit 4")).create(log_path="")
    await one.place.runtime.start(one.id)
    assert (await one.finish()).exit_code == 4
    assert listing(one.place.path("logs")) == []


async def test_reopening_a_rotated_log(box: Make) -> None:
    one = await box(config("while true; do echo tick; sleep 0.02; done")).start()
    rotated = f"{one.log_path}.1"
    await until(lambda: "tick" in read(one.log_path))
    os.rename(one.log_path, rotated)
    await reopen_log(one.bundle, one.log_path)
    await until(lambda: "tick" in read(one.log_path))
    assert "tick" in read(rotated)


async def test_a_log_that_was_not_rotated_keeps_its_lines(box: Make) -> None:
    one = await box(config("echo first; sleep 1000")).start()
    await until(lambda: "first" in read(one.log_path))
    await reopen_log(one.bundle, one.log_path)
    assert "first" in read(one.log_path)


async def test_reopening_after_the_end_is_refused(box: Make) -> None:
    one = box(config("true"))
    await one.run()
    with pytest.raises(FailedPrecondition, match="not running"):
        await reopen_log(one.bundle, one.log_path)


async def test_resizing_a_terminal(box: Make) -> None:
    one = await box(config("until stty size 2>/dev/null | grep '50 132'; do sleep 0.05; done", tty=True)).start()
    resize_terminal(one.bundle, width=132, height=50)
    await asyncio.wait_for(one.finish(), 10)
    assert one.output().strip() == "50 132"


async def test_the_attach_socket_carries_stdin(box: Make, at: Place) -> None:
    one = await box(config("cat; echo ended", stdin=True, stdin_once=True)).start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.connect(attach_socket(at.path("sock"), one.id))
        client.send(b"typed\n")
        client.shutdown(socket.SHUT_WR)
        await one.finish()
    assert one.output() == "typed\nended"


async def test_exits_before_and_during_the_watch(box: Make, at: Place) -> None:
    early, late = box(config("exit 3")), box(config("sleep 1000"))
    await early.run()
    await late.start()
    watch = ExitWatch(at.path("exits"), lambda name: at.path("bundles", name))
    seen: list[ContainerExit] = []

    async def collect() -> None:
        async for found in watch:
            seen.append(found)

    task = asyncio.create_task(collect())
    await until(lambda: len(seen) == 1)
    late.signal(signal.SIGKILL)
    await until(lambda: len(seen) == 2)
    watch.forget(early.id)
    watch.close()
    await task
    assert [(found.container_id, found.exit_code) for found in seen] == [(early.id, 3), (late.id, 137)]
    assert listing(at.path("exits")) == [late.id]
    assert seen[0].finished_at <= seen[1].finished_at


async def test_the_death_of_a_monitor_is_seen(box: Make) -> None:
    gone: list[str] = []

    async def note(container_id: str) -> None:
        gone.append(container_id)

    watch = MonitorWatch(Reaper.current(), note)
    first, second = await box(config("sleep", "1000")).start(), await box(config("sleep", "1000")).start()
    for one in (first, second):
        assert one.monitored is not None
        watch.watch(one.id, one.monitored.monitor_pid, one.monitored.monitor_start)
    watch.forget(second.id)
    for one in (first, second):
        assert one.monitored is not None
        os.kill(one.monitored.monitor_pid, signal.SIGKILL)
    await until(lambda: bool(gone))
    await watch.aclose()
    assert gone == [first.id]
    for one in (first, second):
        one.signal(signal.SIGKILL)
