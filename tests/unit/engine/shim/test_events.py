"""The endpoint of shims' events: kills for memory are heard, and whatever else comes disturbs nobody."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from google.protobuf.any_pb2 import Any
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orlop.engine.shim.events import FORWARD, EventsEndpoint
from orlop.engine.shim.v1.events_pb2 import Envelope, ForwardRequest, TaskEvent
from orlop.ttrpc.client import Client
from orlop.ttrpc.errors import Disconnected, StatusError
from orlop.ttrpc.link import SocketStream

SERVICE, METHOD = FORWARD.split("/")


class Heard:
    """An endpoint with a shim that is connected."""

    def __init__(self, path: Path) -> None:
        self.killed: list[str] = []
        self.endpoint = EventsEndpoint(str(path), self.killed.append)


@pytest.fixture
async def heard(tmp_path: Path) -> AsyncIterator[Heard]:
    heard = Heard(tmp_path / "events.sock")
    await heard.endpoint.start()
    yield heard
    await heard.endpoint.aclose()


def _told(topic: str, container_id: str) -> bytes:
    event = Any(type_url="containerd.events.TaskOOM", value=TaskEvent(container_id=container_id).SerializeToString())
    return ForwardRequest(envelope=Envelope(namespace="k8s.io", topic=topic, event=event)).SerializeToString()


async def _tell(heard: Heard, payload: bytes) -> None:
    client = Client(await SocketStream.connect(heard.endpoint.path))
    try:
        await client.call(SERVICE, METHOD, payload, timeout=30)
    finally:
        await client.aclose()


async def test_kills_for_memory_are_heard_and_other_events_are_not(heard: Heard) -> None:
    for topic in ("/tasks/create", "/tasks/oom", "/tasks/exit"):
        await _tell(heard, _told(topic, "c1"))
    assert heard.killed == ["c1"]


async def test_a_name_that_leads_elsewhere_is_not_taken(heard: Heard) -> None:
    await _tell(heard, _told("/tasks/oom", "../../etc"))
    assert heard.killed == []


async def test_a_socket_of_the_last_life_is_replaced(heard: Heard) -> None:
    again = EventsEndpoint(heard.endpoint.path, lambda _: None)
    await again.start()
    await again.aclose()


async def test_an_endpoint_that_ends_ends_its_connections(heard: Heard) -> None:
    client = Client(await SocketStream.connect(heard.endpoint.path))
    await client.call(SERVICE, METHOD, _told("/tasks/start", "c1"), timeout=30)
    await heard.endpoint.aclose()
    async with asyncio.timeout(30):
        assert isinstance(await client.wait_closed(), Disconnected)
    await client.aclose()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(payload=st.binary(max_size=100))
def test_any_payload_is_answered(tmp_path: Path, payload: bytes) -> None:
    async def tell() -> None:
        endpoint = EventsEndpoint(str(tmp_path / "e"), lambda _: None)
        try:
            await endpoint._forward(payload)
        except StatusError:
            pass

    asyncio.run(tell())
