"""StopPodSandbox: containers end, then network, then namespaces and files; the record stays."""

import asyncio

import pytest

from orlop.model.container import ContainerRecord, ContainerStatus
from orlop.model.enums import ContainerState, PodSandboxState
from orlop.model.errors import TimedOut
from orlop.services import container_stop
from orlop.services.container_create import create_container
from orlop.services.garbage import collect
from orlop.services.sandbox_stop import stop_pod_sandbox
from tests.fakes.deck import SHARED_PID, FakeNode, container_config, is_there, names_in, owed, pod_config
from tests.fakes.story import until


async def test_a_stopped_pod_holds_nothing_but_its_record_and_cgroup(node: FakeNode) -> None:
    pod = await node.run_pod()
    container = await node.start(pod)
    node.story.forget()
    await stop_pod_sandbox(node.deck, pod)
    assert node.pod(pod).status.state is PodSandboxState.SANDBOX_NOTREADY
    assert node.container(container).status.state is ContainerState.CONTAINER_EXITED
    assert node.story.order("network", "namespaces", "files", "hierarchy")[-3:] == [
        "network.remove",
        "namespaces.remove",
        "files.remove",
    ]
    assert node.story.asked("hierarchy.remove") == []
    assert names_in(f"{node.settings.state_dir}/pods") == []
    await node.settled()


async def test_stopped_and_unknown_ones_are_fine(node: FakeNode) -> None:
    await stop_pod_sandbox(node.deck, "0" * 64)
    pod = await node.run_pod()
    await stop_pod_sandbox(node.deck, pod)
    stopped_at = node.pod(pod).status.stopped_at
    node.story.forget()
    await stop_pod_sandbox(node.deck, pod)
    assert node.story.order() == []
    assert node.pod(pod).status.stopped_at == stopped_at


async def test_its_pause_process_ends_last(node: FakeNode) -> None:
    pod = await node.run_pod(pod_config(spaces=SHARED_PID))
    container = await node.start(pod, container_config(spaces=SHARED_PID))
    [pause] = [entry for entry in node.deck.state.containers_of(pod) if entry.record.infra]
    await stop_pod_sandbox(node.deck, pod)
    assert pause.status.finished_at >= node.container(container).status.finished_at
    assert pause.status.state is ContainerState.CONTAINER_EXITED
    await node.settled()


async def test_an_owed_del_keeps_the_namespaces_and_does_not_keep_the_pod(node: FakeNode) -> None:
    pod = await node.run_pod()
    node.story.fails("network.remove", owed())
    await stop_pod_sandbox(node.deck, pod)
    assert node.pod(pod).status.state is PodSandboxState.SANDBOX_NOTREADY
    assert is_there(node.pod(pod).record.namespaces.net)
    assert node.deck.garbage_wanted.is_set()
    node.story.works("network.remove")
    assert await collect(node.deck) == 0
    assert not is_there(node.pod(pod).record.namespaces.net)
    assert node.network.attached == {}


async def test_a_result_cache_that_cannot_be_written_is_a_del_that_is_owed(node: FakeNode) -> None:
    pod = await node.run_pod()
    node.story.fails("network.remove", OSError(30, "Read-only file system"))
    await stop_pod_sandbox(node.deck, pod)
    assert node.pod(pod).status.stopped_at
    assert node.deck.garbage_wanted.is_set()


async def test_a_container_that_cannot_be_killed_keeps_the_pod_ready_for_the_next_try(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_stop, "PATIENCE", 0.01)
    monkeypatch.setattr(container_stop, "KILL_PATIENCE", 0.05)
    pod = await node.run_pod()
    container = await node.start(pod)
    node.conmon.falls_silent(container)
    with pytest.raises(TimedOut, match=r"pod default/web: stop its containers: container main .* did not end"):
        await stop_pod_sandbox(node.deck, pod)
    assert node.story.asked("network.remove") == []
    node.conmon.leaves_exit(container, 137)
    await node.exit_of(container)
    await stop_pod_sandbox(node.deck, pod)
    assert node.pod(pod).status.stopped_at


async def test_containers_that_are_being_created_are_waited_for(node: FakeNode) -> None:
    pod, gate = await node.run_pod(), node.story.holds("roots.prepare")
    creating = asyncio.create_task(create_container(node.deck, pod, container_config()))
    await gate.reached()
    stopping = asyncio.create_task(stop_pod_sandbox(node.deck, pod))
    await asyncio.sleep(0.02)
    assert not stopping.done()
    gate.opens()
    await stopping
    assert isinstance(await asyncio.wait_for(asyncio.gather(creating, return_exceptions=True), 5), list)
    assert not len(node.deck.state.containers)


async def test_a_container_that_was_left_half_made_does_not_keep_it_from_stopping(node: FakeNode) -> None:
    pod = await node.run_pod()
    record = ContainerRecord(
        id="half", pod_id=pod, config=container_config(), handler="runc", created_at=1, cgroup="/orlop/half"
    )
    node.deck.state.containers.insert("half", record, ContainerStatus())
    await stop_pod_sandbox(node.deck, pod)
    assert node.pod(pod).status.stopped_at
    assert node.story.asked("hierarchy.kill_all") == ["/orlop/half"]


async def test_a_caller_that_gives_up_does_not_stop_the_stop(node: FakeNode) -> None:
    pod, gate = await node.run_pod(), node.story.holds("network.remove")
    stopping = asyncio.create_task(stop_pod_sandbox(node.deck, pod))
    await gate.reached()
    stopping.cancel()
    gate.opens()
    await until(lambda: node.pod(pod).status.stopped_at)
    await node.settled()
