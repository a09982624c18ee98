"""Create, start, exit: conmon and the OCI runtime doing what the spec and the request say."""

import re
import signal
from collections.abc import Callable

import pytest

from orlop.engine.oci.resources import linux_resources
from orlop.model.errors import FailedPrecondition, InvalidArgument, NotFound
from orlop.model.resources import LinuxContainerResources
from tests.harness import cgroups
from tests.integration.oci.box import Box, Place, config, listing, read

Make = Callable[..., Box]


@pytest.mark.parametrize("code", [0, 1, 42, 255])
async def test_the_exit_code_is_the_commands(box: Make, code: int) -> None:
    one = await box(config(f"exit {code}")).start()
    assert (await one.finish()).exit_code == code


async def test_a_signal_becomes_128_and_its_number(box: Make) -> None:
    one = await box(config("sleep", "1000")).start()
    one.signal(signal.SIGKILL)
    found = await one.finish()
    assert (found.exit_code, found.oom_killed) == (137, False)


async def test_a_created_container_waits_for_its_start(box: Make) -> None:
    one = await box(config("echo ran")).create()
    assert one.runs()
    assert not read(one.log_path)
    await one.place.runtime.start(one.id)
    await one.finish()
    assert one.output() == "ran"


async def test_log_lines_have_time_stream_and_tag(box: Make) -> None:
    one = box(config("echo out; echo err >&2"))
    await one.run()
    lines = sorted(read(one.log_path).splitlines(), key=lambda line: line.split(" ")[1], reverse=True)
    assert [line.split(" ", 1)[1] for line in lines] == ["stdout F out", "stderr F err"]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}[+-]\d\d:\d\d ", line) for line in lines)


async def test_a_container_over_its_memory_is_oom_killed(box: Make) -> None:
    limit = 24 << 20
    one = box(config("tail -c 200m /dev/zero", resources=LinuxContainerResources(memory_limit_in_bytes=limit)))
    await one.start()
    found = await one.finish()
    assert found.oom_killed
    assert found.exit_code == 137


async def test_a_missing_command_is_named(box: Make) -> None:
    one = box(config("no-such-program", "x"))
    with pytest.raises(InvalidArgument, match="no-such-program"):
        await one.start()


async def test_a_failed_creation_leaves_no_monitor_and_no_link(box: Make, at: Place) -> None:
    one = box(config("no-such-program", "x"))
    with pytest.raises(InvalidArgument):
        await one.create()
    assert listing(at.path("sock")) == []
    assert listing(at.path("exits")) == []


async def test_starting_twice_is_a_failed_precondition(box: Make) -> None:
    one = await box(config("sleep", "1000")).start()
    with pytest.raises(FailedPrecondition, match=one.id):
        await one.place.runtime.start(one.id)


async def test_delete_is_idempotent_and_other_verbs_say_what_is_missing(at: Place) -> None:
    await at.runtime.delete("nobody")
    await at.runtime.delete("nobody", force=True)
    with pytest.raises(NotFound, match="nobody"):
        await at.runtime.start("nobody")
    with pytest.raises(NotFound, match="nobody"):
        await at.runtime.kill("nobody", 9)


async def test_update_changes_the_limits(box: Make) -> None:
    one = await box(config("sleep", "1000", resources=LinuxContainerResources(cpu_shares=512))).start()
    wanted = LinuxContainerResources(cpu_shares=256, memory_limit_in_bytes=64 << 20)
    await one.place.runtime.update(one.id, linux_resources(wanted, one.place.facts))
    if cgroups.is_v2():
        assert read(f"{cgroups.ROOT}{one.cgroup}/memory.max").strip() == str(64 << 20)
    else:
        assert read(f"{cgroups.ROOT}/cpu{one.cgroup}/cpu.shares").strip() == "256"
        assert read(f"{cgroups.ROOT}/memory{one.cgroup}/memory.limit_in_bytes").strip() == str(64 << 20)
