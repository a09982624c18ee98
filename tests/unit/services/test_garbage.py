"""What is left over is tried again until it has gone, with growing pauses, and an idle node is not woken."""

import asyncio

import pytest

from orlop.model.container import ContainerRecord, ContainerStatus
from orlop.model.pod import PodRecord, PodStatus
from orlop.services import garbage
from orlop.services.garbage import collect, run_garbage
from orlop.services.network import attachment
from tests.fakes.deck import FakeNode, container_config, is_there, owed, pod_config
from tests.fakes.story import until


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "FIRST_PAUSE", 0.01)


async def half_made_pod(node: FakeNode) -> str:
    """As a daemon leaves it that died in the middle of RunPodSandbox."""
    config = pod_config()
    record = PodRecord(
        id="halfpod", config=config, handler="runc", created_at=1, namespaces=node.namespaces.paths("halfpod", config)
    )
    node.deck.state.pods.insert(record.id, record, PodStatus())
    await node.deck.cgroups.create(record.id, "")
    await node.namespaces.create(record.id, config)
    await node.files.create(record.id, config)
    await node.network.add(attachment(node.deck, record))
    return record.id


async def half_made_container(node: FakeNode, pod: str) -> str:
    """As a daemon leaves it that died in the middle of CreateContainer."""
    record = ContainerRecord(
        id="halfcontainer", pod_id=pod, config=container_config(), handler="runc", created_at=1, cgroup="/orlop/half",
        bundle=node.settings.bundle("halfcontainer"), runtime_path=str(node.runtime.path),
        runtime_root=str(node.runtime.root),
    )  # fmt: skip
    node.deck.state.containers.insert(record.id, record, ContainerStatus())
    await node.roots.prepare(record.id, ())
    return record.id


async def test_with_nothing_left_nothing_is_done(node: FakeNode) -> None:
    await node.start()
    node.story.forget()
    assert await collect(node.deck) == 0
    assert node.story.order() == ["network.orphans"]


async def test_half_made_pods_and_containers_are_taken_apart(node: FakeNode) -> None:
    pod = await half_made_pod(node)
    await half_made_container(node, pod)
    assert await collect(node.deck) == 0
    assert (len(node.deck.state.pods), len(node.deck.state.containers)) == (0, 0)
    assert (node.network.attached, await node.roots.ids()) == ({}, ())
    assert not is_there(node.files.run_dir(pod))
    assert node.story.asked("hierarchy.kill_all") == ["/orlop/half"]
    assert node.story.asked("hierarchy.remove") == [f"/orlop/pod-{pod}/orlop-monitor-{pod}", f"/orlop/pod-{pod}"]


async def test_a_half_made_container_of_a_pod_that_lives(node: FakeNode) -> None:
    pod = await node.run_pod()
    await half_made_container(node, pod)
    assert await collect(node.deck) == 0
    assert (len(node.deck.state.pods), len(node.deck.state.containers)) == (1, 0)


async def test_one_that_stays_does_not_keep_the_others(node: FakeNode) -> None:
    pod = await node.run_pod()
    await half_made_container(node, pod)
    half = await half_made_pod(node)
    node.story.fails("roots.release", OSError(16, "Device or resource busy"))
    assert await collect(node.deck) == 1
    assert (half in node.deck.state.pods, len(node.deck.state.containers)) == (False, 1)


async def test_an_owed_del_is_run_until_it_works(node: FakeNode) -> None:
    pod = await half_made_pod(node)
    node.story.fails("network.remove", owed())
    assert await collect(node.deck) == 1
    assert (pod in node.deck.state.pods, list(node.network.attached)) == (False, [pod])
    node.story.works("network.remove")
    assert await collect(node.deck) == 0
    assert node.network.attached == {}


async def test_pauses_grow_to_a_limit_and_begin_anew(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "LONGEST_PAUSE", 0.03)
    pauses: list[float] = []
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await real_sleep(0)

    await half_made_pod(node)
    node.story.fails("network.remove", owed(), times=5)
    monkeypatch.setattr(garbage.asyncio, "sleep", sleep)
    node.deck.background.spawn(run_garbage(node.deck), "garbage")
    node.deck.garbage_wanted.set()
    while node.network.attached:
        await real_sleep(0.001)
    monkeypatch.undo()
    assert [pause for pause in pauses if pause >= 0.01][:4] == [0.01, 0.02, 0.03, 0.03]


async def test_an_idle_node_is_not_woken(node: FakeNode) -> None:
    node.deck.background.spawn(run_garbage(node.deck), "garbage")
    node.deck.garbage_wanted.set()
    await until(lambda: node.story.asked("network.orphans"))
    await asyncio.sleep(0.1)
    assert len(node.story.asked("network.orphans")) == 1


@pytest.mark.parametrize(
    ("call", "error"),
    [("network.orphans", OSError(5, "broken disk")), ("files.remove", OSError(16, "busy")),
     ("network.remove", OSError(30, "read-only"))],
)  # fmt: skip
async def test_no_failure_ends_the_service(node: FakeNode, call: str, error: OSError) -> None:
    pod = await node.run_pod()
    node.deck.state.pods.delete(pod)  # an orphan: its attachment is on record and it is not
    node.story.fails(call, error, times=2)
    service = node.deck.background.spawn(run_garbage(node.deck), "garbage")
    node.deck.garbage_wanted.set()
    await until(lambda: not node.network.attached)
    assert not service.done()
