"""RemoveContainer: it is stopped by force and nothing of it is left but its log."""

import asyncio
from pathlib import Path

import pytest

from orlop.linux.files import read_text, write_atomic
from orlop.model.errors import OrlopError
from orlop.services.container_create import create_container
from orlop.services.container_remove import dismantle, remove_container
from orlop.services.container_start import start_container
from orlop.services.container_stop import stop_container
from orlop.services.steps import Steps
from tests.fakes.deck import FakeNode, container_config, names_in, pod_config
from tests.fakes.story import until


async def test_a_running_container_goes_with_everything_but_its_log(node: FakeNode, tmp_path: Path) -> None:
    pod = await node.run_pod(pod_config(log_directory=str(tmp_path / "log")))
    container = await node.start(pod, container_config(log_path="main/0.log"))
    log = node.container(container).record.log_path
    write_atomic(log, "a line\n")
    await remove_container(node.deck, container)
    await node.settled()
    nothing_is_left(node)
    assert read_text(log) == "a line\n"


async def test_removed_and_unknown_ones_are_fine(node: FakeNode) -> None:
    container = await node.create()
    await remove_container(node.deck, container)
    await remove_container(node.deck, container)
    await remove_container(node.deck, "0" * 64)
    nothing_is_left(node)


async def test_it_may_be_taken_apart_twice(node: FakeNode) -> None:
    container = await node.create()
    await stop_container(node.deck, container, 0)
    entry = node.container(container)
    await dismantle(node.deck, entry, Steps("x"))
    await dismantle(node.deck, entry, Steps("x"))
    await node.settled()
    nothing_is_left(node)


async def test_the_runtime_is_asked_to_delete_it_once(node: FakeNode) -> None:
    container, gate = await node.start(), node.story.holds("runtime.delete")
    node.conmon.ends(container)
    await gate.reached()
    removing = asyncio.create_task(remove_container(node.deck, container))
    await asyncio.sleep(0.05)
    assert not removing.done()
    gate.opens()
    await removing
    await node.settled()
    assert node.story.asked("runtime.delete") == [container]
    nothing_is_left(node)


async def test_a_delete_that_failed_after_the_exit_is_tried_again(node: FakeNode) -> None:
    container = await node.start()
    node.runtime.fails("delete", "cgroup is busy")
    node.conmon.ends(container)
    await node.exit_of(container)
    with pytest.raises(OrlopError, match=r"container main of pod default/web: delete it .*cgroup is busy"):
        await remove_container(node.deck, container)
    assert container in node.deck.state.containers
    node.runtime.works("delete")
    await remove_container(node.deck, container)
    nothing_is_left(node)


async def test_a_removal_that_fails_leaves_no_half_of_it_going_on(node: FakeNode) -> None:
    """A retry must not meet the first try's unmounting."""
    container = await node.start()
    node.conmon.ends(container)
    await node.exit_of(container)
    node.deck.deleted.clear()
    node.runtime.fails("delete", "cgroup is busy")
    gate = node.story.holds("roots.release")
    removing = asyncio.create_task(remove_container(node.deck, container))
    await until(lambda: len(node.story.asked("runtime.delete")) == 2)
    await asyncio.sleep(0.05)
    assert not removing.done()
    gate.opens()
    with pytest.raises(OrlopError, match="cgroup is busy"):
        await removing


async def test_a_container_that_is_being_started_is_waited_for(node: FakeNode) -> None:
    container, gate = await node.create(), node.story.holds("runtime.start")
    starting = asyncio.create_task(start_container(node.deck, container))
    await gate.reached()
    removing = asyncio.create_task(remove_container(node.deck, container))
    await asyncio.sleep(0.05)
    assert "runtime.delete" not in node.story.order()
    gate.opens()
    await asyncio.gather(starting, removing, return_exceptions=True)
    await node.settled()
    nothing_is_left(node)


async def test_a_container_that_is_being_created_is_waited_for(node: FakeNode) -> None:
    pod, gate = await node.run_pod(), node.story.holds("conmon.create")
    creating = asyncio.create_task(create_container(node.deck, pod, container_config()))
    await gate.reached()
    [entry] = node.deck.state.containers
    removing = asyncio.create_task(remove_container(node.deck, entry.record.id))
    await asyncio.sleep(0.02)
    assert node.story.asked("roots.release") == []
    gate.opens()
    await asyncio.gather(creating, removing)
    await node.settled()
    nothing_is_left(node)


def nothing_is_left(node: FakeNode) -> None:
    deck = node.deck
    assert len(deck.state.containers) == 0
    assert (deck.container_names, deck.exited, deck.deleted, deck.graces) == ({}, {}, set(), {})
    assert (len(deck.locks), len(deck.stats._rates), deck.exit_watch._told) == (0, 0, set())
    for name in ("containers", "exits", "attach"):
        assert names_in(f"{node.settings.state_dir}/{name}") == []
    assert names_in(node.runtime.root) == []
