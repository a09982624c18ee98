"""StartContainer: created containers run, and no others; what was begun is ended whoever waits for it."""

import asyncio

import pytest

from orlop.model.enums import ContainerState
from orlop.model.errors import FailedPrecondition, NotFound, OrlopError
from orlop.services.container_start import start_container
from orlop.services.sandbox_stop import stop_pod_sandbox
from tests.fakes.deck import FakeNode
from tests.fakes.story import until


async def test_a_created_container_runs(node: FakeNode) -> None:
    container = await node.create()
    assert node.container(container).status.state is ContainerState.CONTAINER_CREATED
    await start_container(node.deck, container)
    assert node.container(container).status.state is ContainerState.CONTAINER_RUNNING
    assert node.story.asked("runtime.start") == [container]


async def test_unknown(node: FakeNode) -> None:
    with pytest.raises(NotFound, match="no container"):
        await start_container(node.deck, "0" * 64)


async def test_one_that_runs_is_refused(node: FakeNode) -> None:
    container = await node.start()
    with pytest.raises(FailedPrecondition, match="container main of pod default/web: start: it runs already"):
        await start_container(node.deck, container)
    assert node.story.asked("runtime.start") == [container]


async def test_one_that_has_ended_is_refused_with_its_code(node: FakeNode) -> None:
    container = await node.start()
    node.conmon.ends(container, 3)
    await node.exit_of(container)
    with pytest.raises(FailedPrecondition, match="it has ended already with exit code 3"):
        await start_container(node.deck, container)


async def test_in_a_pod_that_was_stopped_or_lost_nothing_starts(node: FakeNode) -> None:
    pod = await node.run_pod()
    container = await node.create(pod)
    node.deck.state.pods.update(pod, lost="its network namespace is gone")
    with pytest.raises(FailedPrecondition, match="not ready: its network namespace is gone"):
        await start_container(node.deck, container)
    await stop_pod_sandbox(node.deck, pod)
    await node.settled()
    with pytest.raises(FailedPrecondition, match="it has ended already with exit code 137"):
        await start_container(node.deck, container)
    assert node.story.asked("runtime.start") == []


async def test_a_failed_start_leaves_it_created_and_can_be_tried_again(node: FakeNode) -> None:
    container = await node.create()
    node.runtime.fails("start", "no memory for the process")
    with pytest.raises(OrlopError, match=r"container main of pod default/web: start: .*no memory for the process"):
        await start_container(node.deck, container)
    assert node.container(container).status.state is ContainerState.CONTAINER_CREATED
    node.runtime.works("start")
    await start_container(node.deck, container)
    assert node.container(container).status.state is ContainerState.CONTAINER_RUNNING


async def test_a_caller_that_gives_up_does_not_leave_a_running_container_that_seems_created(node: FakeNode) -> None:
    container, gate = await node.create(), node.story.holds("runtime.start")
    starting = asyncio.create_task(start_container(node.deck, container))
    await gate.reached()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    gate.opens()
    await until(lambda: node.container(container).status.state is ContainerState.CONTAINER_RUNNING)
    assert node.story.asked("runtime.start") == [container]


async def test_a_retry_joins_the_start_that_goes_on(node: FakeNode) -> None:
    container, gate = await node.create(), node.story.holds("runtime.start")
    starting = asyncio.create_task(start_container(node.deck, container))
    await gate.reached()
    again = asyncio.create_task(start_container(node.deck, container))
    await asyncio.sleep(0.01)
    gate.opens()
    await asyncio.gather(starting, again)
    assert node.story.asked("runtime.start") == [container]
