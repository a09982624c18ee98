"""RemovePodSandbox: nothing of the pod is left, whatever state it was in."""

import asyncio

import pytest

from orlop.model.errors import OrlopError
from orlop.services.container_create import create_container
from orlop.services.garbage import collect
from orlop.services.sandbox_remove import remove_pod_sandbox
from orlop.services.sandbox_stop import stop_pod_sandbox
from tests.fakes.deck import SHARED_PID, FakeNode, container_config, is_there, names_in, owed, pod_config


async def test_a_running_pod_goes_with_everything(node: FakeNode) -> None:
    pod = await node.run_pod(pod_config(spaces=SHARED_PID))
    running = await node.start(pod, container_config("running", spaces=SHARED_PID))
    await node.create(pod, container_config("created"))
    await remove_pod_sandbox(node.deck, pod)
    await node.settled()
    nothing_is_left(node)
    assert not node.conmon.runs(running)
    assert node.story.asked("hierarchy.remove") == [f"/orlop/pod-{pod}/orlop-monitor-{pod}", f"/orlop/pod-{pod}"]


async def test_removed_and_unknown_ones_are_fine(node: FakeNode) -> None:
    pod = await node.run_pod()
    await stop_pod_sandbox(node.deck, pod)
    await remove_pod_sandbox(node.deck, pod)
    await remove_pod_sandbox(node.deck, pod)
    nothing_is_left(node)


async def test_its_name_is_free_again(node: FakeNode) -> None:
    pod = await node.run_pod()
    await remove_pod_sandbox(node.deck, pod)
    assert await node.run_pod() != pod


async def test_removal_lets_go_of_what_was_kept_for_an_owed_del(node: FakeNode) -> None:
    pod = await node.run_pod()
    node.story.fails("network.remove", owed())
    await stop_pod_sandbox(node.deck, pod)
    netns = node.pod(pod).record.namespaces.net
    assert is_there(netns)
    await remove_pod_sandbox(node.deck, pod)
    assert not is_there(netns)
    assert list(node.network.attached) == [pod]
    assert await collect(node.deck) == 1
    node.story.works("network.remove")
    assert await collect(node.deck) == 0
    nothing_is_left(node)


@pytest.mark.parametrize("call", ["roots.release", "namespaces.remove", "files.remove", "hierarchy.remove"])
async def test_a_step_that_fails_keeps_the_record_and_can_be_tried_again(node: FakeNode, call: str) -> None:
    pod = await node.run_pod()
    await node.create(pod)
    node.story.fails(call, OSError(16, "Device or resource busy"))
    with pytest.raises(OrlopError, match=r"pod default/web: .*busy"):
        await remove_pod_sandbox(node.deck, pod)
    assert pod in node.deck.state.pods
    node.story.works(call)
    await remove_pod_sandbox(node.deck, pod)
    await node.settled()
    nothing_is_left(node)


async def test_all_who_ask_wait_for_one_removal(node: FakeNode) -> None:
    pod = await node.run_pod()
    await node.start(pod)
    await asyncio.gather(
        remove_pod_sandbox(node.deck, pod), stop_pod_sandbox(node.deck, pod), remove_pod_sandbox(node.deck, pod)
    )
    await node.settled()
    assert node.story.asked("hierarchy.remove") == [f"/orlop/pod-{pod}/orlop-monitor-{pod}", f"/orlop/pod-{pod}"]
    assert len(node.story.asked("network.remove")) == 1
    nothing_is_left(node)


async def test_a_creation_that_goes_on_is_not_robbed_of_its_parts(node: FakeNode) -> None:
    pod, gate = await node.run_pod(), node.story.holds("roots.prepare")
    creating = asyncio.create_task(create_container(node.deck, pod, container_config()))
    await gate.reached()
    removing = asyncio.create_task(remove_pod_sandbox(node.deck, pod))
    await asyncio.sleep(0.02)
    assert node.story.asked("roots.release") == []
    gate.opens()
    await asyncio.gather(creating, removing, return_exceptions=True)
    await node.settled()
    nothing_is_left(node)


def nothing_is_left(node: FakeNode) -> None:
    deck = node.deck
    assert (len(deck.state.pods), len(deck.state.containers)) == (0, 0)
    assert (deck.pod_names, deck.container_names, deck.exited, deck.deleted, deck.graces) == ({}, {}, {}, set(), {})
    assert (node.network.attached, deck.building, deck.exit_watch._told) == ({}, set(), set())
    for name in ("pods", "containers", "pod-cgroups", "exits", "attach"):
        assert names_in(f"{node.settings.state_dir}/{name}") == []
    assert names_in(node.runtime.root) == []
