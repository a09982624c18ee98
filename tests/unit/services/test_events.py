"""Events: what they hold, their order around an end that comes before its start is done, slow listeners."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from orlop.aio.broadcast import Broadcast
from orlop.aio.joining import Joining
from orlop.aio.locks import KeyedLocks
from orlop.api.client import CriClient
from orlop.api.gate import Gate
from orlop.api.server import CriServer
from orlop.api.servicers.table import VERBS
from orlop.engine.monitor.exits import ContainerExit
from orlop.engine.nri.port import NoPlugins
from orlop.engine.state.table import State
from orlop.model.container import ContainerConfig, ContainerMetadata, ContainerRecord, ContainerStatus
from orlop.model.enums import ContainerEventType, ContainerState, PodSandboxState
from orlop.model.errors import Unavailable
from orlop.model.event import ContainerEvent
from orlop.model.pod import PodRecord, PodSandboxConfig, PodSandboxMetadata, PodStatus
from orlop.services import container_start, events, exits

CREATED, STARTED, STOPPED, DELETED = ContainerEventType


class Node(SimpleNamespace):
    """The parts of a deck that events, starts and exits touch; what they only call does nothing."""

    def __init__(self, path: Path, *, limit: int = 100) -> None:
        nothing = SimpleNamespace(forget=lambda _: None)
        super().__init__(
            state=State(str(path / "state.db")),
            events=Broadcast[ContainerEvent](limit),
            last_event=0,
            starting=set(),
            exited={},
            locks=KeyedLocks(),
            stats=nothing,
            monitor_watch=nothing,
            hierarchy=SimpleNamespace(oom_kills=lambda _: 0, removed_oom_kills=lambda _: 0, exists=lambda _: True),
            removed_oom_kills={},
            ending=Joining(),
            background=SimpleNamespace(spawn=lambda coro, _: coro.close()),
            plugins=NoPlugins(),
        )

    def pod_metadata(self, pod_id: str) -> PodSandboxMetadata:
        return self.state.pods.get(pod_id).record.config.metadata

    def pod(self, *, labels: dict[str, str] | None = None, made: bool = True) -> Any:
        config = PodSandboxConfig(metadata=PodSandboxMetadata(name="web", namespace="n", uid="u"), labels=labels or {})
        record = PodRecord(id="p" * 64, config=config, handler="runc", created_at=1)
        return self.state.pods.insert(record.id, record, PodStatus(made=made))

    def container(self, name: str = "main", *, made: bool = True, infra: bool = False) -> Any:
        record = ContainerRecord(
            id=name * 16,
            pod_id="p" * 64,
            config=ContainerConfig(metadata=ContainerMetadata(name=name)),
            handler="runc",
            created_at=len(self.state.containers),
            infra=infra,
        )
        return self.state.containers.insert(record.id, record, ContainerStatus(made=made))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path)
    yield node
    node.state.close()


@contextlib.asynccontextmanager
async def heard(node: Node) -> AsyncIterator[list[ContainerEvent]]:
    """What a listener hears of the things done inside."""
    taken: list[ContainerEvent] = []

    async def listen() -> None:
        with contextlib.suppress(Unavailable):
            async for event in events.follow(node):
                taken.append(event)

    task = asyncio.create_task(listen())
    await asyncio.sleep(0)
    try:
        yield taken
    finally:
        node.events.close()
        await task


async def test_an_event_holds_its_pods_whole_state(node: Node) -> None:
    pod = node.pod()
    shown = node.container("main")
    node.container("pause", infra=True)
    node.container("half", made=False)
    async with heard(node) as taken:
        before = time.time_ns()
        events.pod_event(node, pod, CREATED, STARTED)
        events.container_event(node, shown, CREATED)
    assert [(event.container_id, event.container_event_type) for event in taken] == [
        (pod.record.id, CREATED),
        (pod.record.id, STARTED),
        (shown.record.id, CREATED),
    ]
    for event in taken:
        assert event.pod_sandbox_status.metadata.uid == "u"
        assert event.pod_sandbox_status.state is PodSandboxState.SANDBOX_READY
        assert [status.id for status in event.containers_statuses] == [shown.record.id]
    assert before <= taken[0].created_at < taken[1].created_at < taken[2].created_at


async def test_times_grow_although_the_clock_goes_back(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    pod = node.pod()
    async with heard(node) as taken:
        for now in (1000, 500, 500, 2000):
            monkeypatch.setattr(events.time, "time_ns", lambda now=now: now)
            events.pod_event(node, pod, CREATED)
    assert [event.created_at for event in taken] == [1000, 1001, 1002, 2000]


async def test_what_is_not_shown_is_not_told(node: Node) -> None:
    pod = node.pod(made=False)
    async with heard(node) as taken:
        events.pod_event(node, pod, DELETED)
        events.container_event(node, node.container("pause", infra=True), STARTED)
        events.container_event(node, node.container("half", made=False), DELETED)
    assert taken == []


async def test_a_container_that_outlived_its_pods_record_is_told_without_it(node: Node) -> None:
    pod, container = node.pod(), node.container()
    node.state.pods.delete(pod.record.id)
    async with heard(node) as taken:
        events.container_event(node, container, DELETED)
    assert (taken[0].pod_sandbox_status, taken[0].containers_statuses) == (None, ())


async def test_nothing_is_put_together_where_nobody_listens(node: Node) -> None:
    events.pod_event(node, node.pod(), CREATED)
    assert node.last_event == 0


class Runtime:
    """A carrier whose start takes its time."""

    def __init__(self, during: Any) -> None:
        self._during = during

    async def start(self, record: ContainerRecord) -> None:
        self._during(record.id)


def _ends(node: Node) -> Any:
    def end(container_id: str) -> None:
        ended = ContainerExit(container_id=container_id, exit_code=3, finished_at=time.time_ns(), oom_killed=False)
        exits.record_exit(node, ended)

    return end


async def test_an_end_before_the_start_is_done_is_told_after_it(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.pod()
    container = node.container()
    monkeypatch.setattr(container_start, "carrier_of", lambda *_: Runtime(_ends(node)))
    async with heard(node) as taken:
        await container_start.start_container(node, container.record.id)
    assert [event.container_event_type for event in taken] == [STARTED, STOPPED]
    [status] = taken[-1].containers_statuses
    assert (status.state, status.exit_code) == (ContainerState.CONTAINER_EXITED, 3)
    assert not node.starting


async def test_an_end_during_a_start_that_fails_is_told(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def during(container_id: str) -> None:
        _ends(node)(container_id)
        raise OSError("no such program")

    node.pod()
    container = node.container()
    monkeypatch.setattr(container_start, "carrier_of", lambda *_: Runtime(during))
    async with heard(node) as taken:
        with pytest.raises(Exception, match="no such program"):
            await container_start.start_container(node, container.record.id)
    assert [event.container_event_type for event in taken] == [STOPPED]
    assert not node.starting


async def test_an_end_is_told_once(node: Node) -> None:
    node.pod()
    container = node.container()
    node.state.containers.update(container.record.id, started_at=5)
    async with heard(node) as taken:
        for _ in range(2):
            _ends(node)(container.record.id)
    assert [event.container_event_type for event in taken] == [STOPPED]


async def test_a_client_that_does_not_read_is_cut_off_and_holds_up_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    node = Node(tmp_path, limit=5)
    pod = node.pod(labels={"big": "x" * 200_000})
    gate = Gate()
    gate.open()
    with tempfile.TemporaryDirectory(prefix="orlop-") as directory:
        server = CriServer(f"{directory}/cri.sock", VERBS, node, gate)
        await server.start()
        async with CriClient(f"{directory}/cri.sock") as client:
            call = aiter(client.stream("GetContainerEvents"))
            first = asyncio.ensure_future(anext(call))
            async with asyncio.timeout(5):
                while not len(node.events):  # noqa: ASYNC110  # the server tells nobody of a new listener
                    await asyncio.sleep(0.01)
            events.pod_event(node, pod, CREATED)
            assert (await first).container_id == pod.record.id
            async with asyncio.timeout(10):
                while len(node.events):
                    events.pod_event(node, pod, STARTED)
                    await asyncio.sleep(0.001)
            assert node.events.lost == 6
            assert "too slow" in caplog.text
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async for _ in call:
                    pass
        await server.stop(0)
    node.state.close()
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "6 are lost: list pods and containers" in caught.value.details()
