"""StopContainer: signal, grace, SIGKILL; a second stop only shortens; nothing hangs on what cannot be killed."""

import asyncio
import time

import pytest

from orlop.model import signals
from orlop.model.container import ContainerRecord, ContainerStatus
from orlop.model.enums import ContainerState
from orlop.model.errors import TimedOut
from orlop.services import container_stop
from orlop.services.container_stop import stop_container
from tests.fakes.deck import FakeNode, container_config
from tests.fakes.story import until


async def test_the_stop_signal_ends_it_within_its_grace(node: FakeNode) -> None:
    container = await node.start()
    began = time.monotonic()
    await stop_container(node.deck, container, 60)
    assert time.monotonic() - began < 10
    status = node.container(container).status
    assert (status.state, status.exit_code) == (ContainerState.CONTAINER_EXITED, 143)
    assert not node.deck.graces
    await node.settled()


async def test_its_own_stop_signal_is_sent(node: FakeNode) -> None:
    config = container_config(stop_signal=signals.to_cri("SIGUSR1"))
    container = await node.start(config=config)
    await stop_container(node.deck, container, 60)
    assert node.container(container).status.exit_code == 128 + signals.number("SIGUSR1")
    await node.settled()


async def test_after_its_grace_it_is_killed(node: FakeNode) -> None:
    node.conmon.stubborn = True
    container = await node.start()
    stopping = asyncio.create_task(stop_container(node.deck, container, 1))
    await asyncio.sleep(0.3)
    assert node.conmon.runs(container)
    await stopping
    assert node.container(container).status.exit_code == 137
    await node.settled()


@pytest.mark.parametrize("timeout", [0, -1])
async def test_without_grace_it_is_killed_at_once(node: FakeNode, timeout: int) -> None:
    node.conmon.stubborn = True
    container = await node.start()
    await stop_container(node.deck, container, timeout)
    assert node.container(container).status.exit_code == 137
    await node.settled()


async def test_a_second_stop_shortens_the_grace_and_never_lengthens_it(node: FakeNode) -> None:
    node.conmon.stubborn = True
    container = await node.start()
    first = asyncio.create_task(stop_container(node.deck, container, 600))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(stop_container(node.deck, container, 700))
    await asyncio.sleep(0.05)
    assert node.conmon.runs(container)
    async with asyncio.timeout(10):
        await stop_container(node.deck, container, 0)
        await asyncio.gather(first, second)
    assert node.container(container).status.exit_code == 137
    assert not node.deck.graces
    await node.settled()


async def test_a_caller_that_gives_up_does_not_stop_the_stop(node: FakeNode) -> None:
    node.conmon.stubborn = True
    container = await node.start()
    first = asyncio.create_task(stop_container(node.deck, container, 600))
    await asyncio.sleep(0.05)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert node.deck.ending.running(f"stop {container}")
    await stop_container(node.deck, container, 0)
    await node.settled()


async def test_unknown_and_ended_ones_are_fine(node: FakeNode) -> None:
    await stop_container(node.deck, "0" * 64, 10)
    container = await node.start()
    node.conmon.ends(container)
    await node.exit_of(container)
    node.story.forget()
    await stop_container(node.deck, container, 10)
    assert node.story.order() == []


async def test_a_created_one_is_killed_without_grace(node: FakeNode) -> None:
    node.conmon.stubborn = True
    container = await node.create()
    async with asyncio.timeout(10):
        await stop_container(node.deck, container, 600)
    status = node.container(container).status
    assert (status.started_at, status.exit_code) == (0, 137)
    await node.settled()


async def test_what_keeps_the_exit_back_is_killed_with_the_cgroup(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_stop, "PATIENCE", 0.05)
    container = await node.start()
    node.conmon.falls_silent(container)
    stopping = asyncio.create_task(stop_container(node.deck, container, 0))
    await until(lambda: node.story.asked("hierarchy.kill_all"))
    node.conmon.leaves_exit(container, 137)
    await stopping
    assert node.story.asked("hierarchy.kill_all") == [node.container(container).record.cgroup]
    await node.settled()


async def test_an_unkillable_one_is_told_with_its_pids(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_stop, "PATIENCE", 0.05)
    monkeypatch.setattr(container_stop, "KILL_PATIENCE", 0.1)
    container = await node.start()
    node.conmon.falls_silent(container)
    node.tree.gets_stuck(node.container(container).record.cgroup, 4711)
    with pytest.raises(TimedOut, match=r"container main of pod default/web did not end .* \[4711.* are left"):
        await stop_container(node.deck, container, 0)
    assert not node.deck.graces


async def test_one_that_was_never_finished_is_killed_and_has_no_exit_to_wait_for(node: FakeNode) -> None:
    pod = await node.run_pod()
    record = ContainerRecord(
        id="half", pod_id=pod, config=container_config(), handler="runc", created_at=1, cgroup="/orlop/half"
    )
    node.deck.state.containers.insert("half", record, ContainerStatus())
    await stop_container(node.deck, "half", 10)
    assert node.story.asked("hierarchy.kill_all") == ["/orlop/half"]
