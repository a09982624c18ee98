"""The end of containers is put on record once, whoever tells it; nothing keeps the watch from telling the others."""

import asyncio
import logging
import time
from pathlib import Path

import pytest

from orlop.engine.monitor.exits import ContainerExit
from orlop.model.container import ContainerRecord, ContainerStatus
from orlop.model.enums import ContainerState, PodSandboxState
from orlop.services import exits
from orlop.services.container_create import create_container
from orlop.services.container_start import start_container
from orlop.services.exits import monitor_gone, record_exit, wait_exit
from orlop.services.sandbox_stop import stop_pod_sandbox
from tests.fakes.deck import SHARED_PID, FakeNode, container_config, pod_config
from tests.fakes.story import until


def end(container_id: str, code: int = 0, *, at: int = 0, oom: bool = False) -> ContainerExit:
    return ContainerExit(container_id=container_id, exit_code=code, finished_at=at or time.time_ns(), oom_killed=oom)


@pytest.mark.parametrize(("code", "reason"), [(0, "Completed"), (3, "Error"), (137, "Error")])
async def test_an_exit_is_on_record_and_the_runtime_forgets_the_container(
    node: FakeNode, code: int, reason: str
) -> None:
    container = await node.start()
    node.conmon.ends(container, code)
    await node.exit_of(container)
    status = node.container(container).status
    assert (status.state, status.exit_code, status.reason) == (ContainerState.CONTAINER_EXITED, code, reason)
    assert status.finished_at >= status.started_at
    assert not node.runtime.knows(container)
    assert await wait_exit(node.deck, container, 0)


async def test_an_exit_before_the_container_is_made_waits_in_its_file(node: FakeNode) -> None:
    pod, gate = await node.run_pod(), node.story.holds("conmon.create")
    creating = asyncio.create_task(create_container(node.deck, pod, container_config()))
    await gate.reached()
    [entry] = node.deck.state.containers
    record_exit(node.deck, end(entry.record.id, 7))
    file = Path(node.settings.exit_dir) / entry.record.id
    file.write_text("7")
    assert not entry.status.finished_at
    gate.opens()
    container = await creating
    assert file.exists()
    await node.conmon.dies(container)
    await node.exit_of(container)
    assert node.container(container).status.exit_code == 7


async def test_the_first_exit_stays(node: FakeNode) -> None:
    container = await node.start()
    record_exit(node.deck, end(container, 1))
    record_exit(node.deck, end(container, 2))
    await monitor_gone(node.deck, container)
    assert node.container(container).status.exit_code == 1
    await node.settled()


async def test_an_end_is_never_before_the_start(node: FakeNode) -> None:
    container = await node.start()
    record_exit(node.deck, end(container, at=1))
    status = node.container(container).status
    assert status.finished_at == status.started_at
    await node.settled()


@pytest.mark.parametrize("witness", ["the kernel", "conmon"])
async def test_a_kill_for_memory(node: FakeNode, witness: str) -> None:
    container = await node.start()
    if witness == "conmon":
        node.conmon.sees_oom(container)
    else:
        node.tree.has_oom(node.container(container).record.cgroup)
    node.conmon.ends(container, 137)
    await node.exit_of(container)
    status = node.container(container).status
    assert (status.oom_killed, status.reason) == (True, "OOMKilled")


async def test_a_cgroup_that_has_gone_tells_of_no_kill(node: FakeNode) -> None:
    container = await node.start()
    node.story.fails("hierarchy.oom_kills", FileNotFoundError(2, "gone"))
    node.conmon.ends(container)
    await node.exit_of(container)
    assert not node.container(container).status.oom_killed


async def test_without_its_monitor_a_container_is_killed_and_says_so(node: FakeNode) -> None:
    container = await node.start()
    await node.conmon.dies(container)
    await node.exit_of(container)
    status = node.container(container).status
    assert (status.exit_code, status.reason) == (255, "Error")
    assert f"conmon, pid {status.monitor_pid}) died" in status.message
    await until(lambda: not node.conmon.runs(container))


async def test_a_monitor_that_dies_after_its_last_word_is_believed(node: FakeNode) -> None:
    container = await node.start()
    node.conmon.leaves_exit(container, 5)
    await monitor_gone(node.deck, container)
    status = node.container(container).status
    assert (status.exit_code, status.message) == (5, "")
    assert node.story.asked("hierarchy.kill_all") == []
    await node.settled()


async def test_a_monitor_of_a_removed_container_means_nothing(node: FakeNode) -> None:
    await monitor_gone(node.deck, "0" * 64)


async def test_processes_that_cannot_be_killed_yet_keep_the_container_running_until_they_can(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exits, "FIRST_PAUSE", 0.01)
    container = await node.start()
    cgroup = node.container(container).record.cgroup
    node.tree.gets_stuck(cgroup, 4711)
    await node.conmon.dies(container)
    await until(lambda: len(node.story.asked("hierarchy.kill_all")) > 1)
    assert node.container(container).status.state is ContainerState.CONTAINER_RUNNING
    node.tree.comes_free(cgroup)
    await node.exit_of(container)
    assert node.container(container).status.exit_code == 255


async def test_the_watch_outlives_an_exit_that_cannot_be_recorded(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(exits, "FIRST_PAUSE", 0.01)
    pod = await node.run_pod()
    first = await node.start(pod, container_config("first"))
    second = await node.start(pod, container_config("second"))
    node.state_is_full()
    with caplog.at_level(logging.WARNING):
        node.conmon.ends(first, 1)
        await until(lambda: "cannot be put on record yet" in caplog.text)
    assert not node.container(first).status.finished_at
    node.state_is_full(False)
    node.conmon.ends(second, 2)
    await node.exit_of(second)
    await node.exit_of(first)
    assert [node.container(each).status.exit_code for each in (first, second)] == [1, 2]


async def test_the_exit_file_of_nobody_is_removed(node: FakeNode) -> None:
    """A conmon whose container was taken back half made writes it after all."""
    file = Path(node.settings.exit_dir) / ("f" * 64)
    temporary = file.with_suffix(".XYZ")
    temporary.write_text("137")
    temporary.rename(file)
    await until(lambda: not file.exists())


async def test_a_pod_whose_pause_process_ends_is_lost(node: FakeNode) -> None:
    pod = await node.run_pod(pod_config(spaces=SHARED_PID))
    [pause] = node.deck.state.containers_of(pod)
    node.conmon.ends(pause.record.id)
    await node.exit_of(pause.record.id)
    status = node.pod(pod).status
    assert (status.state, status.lost) == (PodSandboxState.SANDBOX_NOTREADY, "its pause process has ended")


async def test_a_pod_that_is_stopped_is_not_lost(node: FakeNode) -> None:
    pod = await node.run_pod(pod_config(spaces=SHARED_PID))
    await stop_pod_sandbox(node.deck, pod)
    assert not node.pod(pod).status.lost
    assert node.pod(pod).status.stopped_at


async def test_leftovers_in_a_shared_pid_namespace_are_killed(node: FakeNode) -> None:
    pod = await node.run_pod(pod_config(spaces=SHARED_PID))
    container = await node.start(pod, container_config(spaces=SHARED_PID))
    node.conmon.ends(container)
    await node.exit_of(container)
    assert node.story.asked("hierarchy.kill_all") == [node.container(container).record.cgroup]


async def test_a_container_that_ends_while_it_is_started_is_deleted_after_that(node: FakeNode) -> None:
    container, gate = await node.create(), node.story.holds("runtime.start")
    starting = asyncio.create_task(start_container(node.deck, container))
    await gate.reached()
    node.conmon.ends(container, 9)
    await until(lambda: node.container(container).status.finished_at)
    assert node.runtime.knows(container)
    gate.opens()
    await starting
    await node.settled()
    status = node.container(container).status
    assert status.finished_at >= status.started_at > 0
    assert node.story.order("runtime") == ["runtime.start", "runtime.delete"]


async def test_wait_exit_has_a_limit_and_knows_what_is_over(node: FakeNode) -> None:
    container = await node.start()
    assert not await wait_exit(node.deck, container, 0.01)
    assert await wait_exit(node.deck, "unknown", 0.01)


async def test_a_container_that_is_half_made_has_no_exit(node: FakeNode) -> None:
    record = ContainerRecord(id="half", pod_id="p", config=container_config(), handler="runc", created_at=1)
    entry = node.deck.state.containers.insert("half", record, ContainerStatus())
    record_exit(node.deck, end("half"))
    await monitor_gone(node.deck, "half")
    assert not entry.status.finished_at
