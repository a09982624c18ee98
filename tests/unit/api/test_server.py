"""The server over a real unix socket, with verbs made for the test: errors, streams, the gate, sockets in the way."""

import asyncio
import contextlib
import logging
import os
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from orlop.aio import calls
from orlop.api import answering as answering_module
from orlop.api import wire
from orlop.api.client import CriClient
from orlop.api.gate import Gate
from orlop.api.handling import generic_handlers
from orlop.api.server import CriServer
from orlop.api.sockets import answers, claim
from orlop.api.v1 import container_pb2, image_pb2, pod_pb2, runtime_pb2
from orlop.model.errors import AlreadyExists, FailedPrecondition, NotFound


class Deck:
    """What the test's verbs work with."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.seen: list[str] = []


def version(deck: Deck, request: runtime_pb2.VersionRequest) -> runtime_pb2.VersionResponse:
    deck.seen.append(str(calls.current()))
    return runtime_pb2.VersionResponse(version=request.version)


def list_images(deck: Deck, request: image_pb2.ListImagesRequest) -> bytes:
    return image_pb2.ListImagesResponse(images=[{"id": "kept"}]).SerializeToString()


def container_status(deck: Deck, request: container_pb2.ContainerStatusRequest) -> Any:
    raise NotFound(f"no container {request.container_id}")


async def start_container(deck: Deck, request: Any) -> Any:
    raise RuntimeError("a bug")


async def stop_container(deck: Deck, request: Any) -> Any:
    calls.follow(lambda: "wait for the grace period (for 1.0 s)")
    deck.entered.set()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        deck.cancelled.set()
        raise


async def remove_container(deck: Deck, request: Any) -> Any:
    raise asyncio.CancelledError  # as from a task of the daemon's own that was cancelled


async def stream_images(deck: Deck, request: Any) -> AsyncIterator[image_pb2.StreamImagesResponse]:
    for name in ("a", "b"):
        yield image_pb2.StreamImagesResponse(images=[{"id": name}])
    raise NotFound("the third is gone")


async def get_container_events(deck: Deck, request: Any) -> AsyncIterator[runtime_pb2.ContainerEventResponse]:
    try:
        yield runtime_pb2.ContainerEventResponse(container_id="one")
        await asyncio.Event().wait()
    finally:
        deck.cancelled.set()


VERBS = {
    "GetContainerEvents": get_container_events,
    "Version": version,
    "ListImages": list_images,
    "ContainerStatus": container_status,
    "StartContainer": start_container,
    "StopContainer": stop_container,
    "RemoveContainer": remove_container,
    "StreamImages": stream_images,
}


@pytest.fixture
def path() -> Iterator[str]:
    """A socket's path that is short enough."""
    with tempfile.TemporaryDirectory(prefix="orlop-") as directory:
        yield f"{directory}/run/cri.sock"


@pytest.fixture
async def deck() -> Deck:
    return Deck()


@pytest.fixture
async def gate() -> Gate:
    gate = Gate(patience=0.05)
    gate.open()
    return gate


@pytest.fixture
async def client(path: str, deck: Deck, gate: Gate) -> AsyncIterator[CriClient]:
    """A client of a running server."""
    server = CriServer(path, VERBS, deck, gate)
    await server.start()
    async with CriClient(path) as client:
        yield client
    await server.stop(0)


@contextlib.contextmanager
def refused(code: grpc.StatusCode, text: str) -> Iterator[None]:
    """The call inside fails with this code and a text that holds this."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    assert caught.value.code() is code
    assert text in (caught.value.details() or "")


async def test_a_plain_verb_answers_and_knows_its_request(client: CriClient, deck: Deck) -> None:
    answer = await client.call("Version", runtime_pb2.VersionRequest(version="0.1.0"))
    assert answer.version == "0.1.0"
    assert deck.seen[0].endswith(" Version")


async def test_encoded_bytes_are_an_answer(client: CriClient) -> None:
    assert [image.id for image in (await client.call("ListImages")).images] == ["kept"]


async def test_a_domain_error_arrives_with_its_code(client: CriClient) -> None:
    with refused(grpc.StatusCode.NOT_FOUND, "no container abc"):
        await client.call("ContainerStatus", container_pb2.ContainerStatusRequest(container_id="abc"))


async def test_a_bug_arrives_with_a_reference(client: CriClient, caplog: pytest.LogCaptureFixture) -> None:
    with refused(grpc.StatusCode.INTERNAL, "RuntimeError: a bug (the daemon's log has the details"):
        await client.call("StartContainer")
    assert "a bug" in caplog.text


async def test_what_is_not_built_says_so_by_name(client: CriClient) -> None:
    with refused(grpc.StatusCode.UNIMPLEMENTED, "CheckpointPod is not built"):
        await client.call("CheckpointPod")
    with refused(grpc.StatusCode.UNIMPLEMENTED, "StreamContainers is not built"):
        async for _ in client.stream("StreamContainers"):
            pass


async def test_a_stream_arrives_up_to_its_error(client: CriClient) -> None:
    got = []
    with refused(grpc.StatusCode.NOT_FOUND, "the third is gone"):
        async for message in client.stream("StreamImages"):
            got.append(message.images[0].id)
    assert got == ["a", "b"]


async def test_a_client_that_leaves_a_stream_ends_its_verb_at_once(client: CriClient, deck: Deck) -> None:
    call = client.stream("GetContainerEvents")
    assert (await anext(aiter(call))).container_id == "one"
    call.cancel()
    async with asyncio.timeout(5):
        await deck.cancelled.wait()


async def test_a_list_that_no_client_takes_names_its_stream(client: CriClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_MESSAGE", 3)
    with refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "ask for it with StreamImages"):
        await client.call("ListImages")


async def test_a_caller_that_gives_up_cancels_its_verb(client: CriClient, deck: Deck, caplog: Any) -> None:
    caplog.set_level(logging.INFO)
    with refused(grpc.StatusCode.DEADLINE_EXCEEDED, ""):
        await client.call("StopContainer", timeout=0.3)
    async with asyncio.timeout(5):
        await deck.cancelled.wait()
        while "the caller gave up" not in caplog.text:  # noqa: ASYNC110  # the log has no event to wait for
            await asyncio.sleep(0.01)
    assert "at: wait for the grace period" in caplog.text


async def test_a_cancellation_from_within_is_answered(client: CriClient) -> None:
    with refused(grpc.StatusCode.UNAVAILABLE, "ask again"):
        await client.call("RemoveContainer", timeout=5)


async def test_a_slow_request_is_told_while_it_goes_on(
    client: CriClient, deck: Deck, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(answering_module.SLOW_AFTER_OF, "StopContainer", 0.02)
    request = container_pb2.StopContainerRequest(container_id="0123456789abcdef")
    with refused(grpc.StatusCode.DEADLINE_EXCEEDED, ""):
        await client.call("StopContainer", request, timeout=0.3)
    await deck.cancelled.wait()
    [record] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert record.getMessage().startswith("still goes on after ")
    assert record.getMessage().endswith("s, at: wait for the grace period (for 1.0 s)")


async def test_a_closed_gate_refuses_all_but_version(path: str, deck: Deck) -> None:
    server = CriServer(path, VERBS, deck, Gate(patience=0.01))
    await server.start()
    async with CriClient(path) as client:
        await client.call("Version")
        with refused(grpc.StatusCode.UNAVAILABLE, "has just started"):
            await client.call("ListImages")
    await server.stop(0)


async def test_a_message_beyond_the_limit_is_refused(client: CriClient) -> None:
    with refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "message"):
        await client.call("Version", runtime_pb2.VersionRequest(version="x" * (17 << 20)))


async def test_the_socket_is_for_root_and_its_group_and_goes_with_the_server(path: str, deck: Deck, gate: Gate) -> None:
    server = CriServer(path, VERBS, deck, gate)
    await server.start()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
    assert answers(path)
    await server.stop(0)
    assert not answers(path)
    assert os.listdir(os.path.dirname(path)) == []


async def test_a_stale_socket_is_replaced(path: str, deck: Deck, gate: Gate) -> None:
    os.makedirs(os.path.dirname(path))
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
    server = CriServer(path, VERBS, deck, gate)
    await server.start()
    async with CriClient(path) as client:
        await client.call("Version")
    await server.stop(0)


async def test_a_served_socket_is_left_alone(path: str, deck: Deck, gate: Gate, client: CriClient) -> None:
    with pytest.raises(AlreadyExists, match=r"another process serves .*orlop daemon stop"):
        await CriServer(path, VERBS, deck, gate).start()
    await client.call("Version")


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "cri.sock"
    file.write_text("precious")
    with pytest.raises(FailedPrecondition, match="is not a socket"):
        claim(str(file))
    assert file.read_text() == "precious"


def test_a_verb_for_an_rpc_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="Nonsense"):
        generic_handlers({"Nonsense": version}, None, Gate())


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (container_pb2.StopContainerRequest(container_id="c" * 64), "container=cccccccccccc"),
        (
            pod_pb2.RunPodSandboxRequest(config={"metadata": {"name": "web", "namespace": "default"}}),
            "name=default/web",
        ),
        (image_pb2.PullImageRequest(image={"image": "busybox"}, auth={"password": "secret"}), "image=busybox"),
        (
            container_pb2.CreateContainerRequest(pod_sandbox_id="p" * 64, config={"metadata": {"name": "main"}}),
            "pod=pppppppppppp name=main",
        ),
        (image_pb2.PullImageRequest(image={"image": "a\n<3>all is well\x1b[2J"}), "image=a?<3>all is well?[2J"),
        (image_pb2.PullImageRequest(image={"image": "x" * 10_000_000}), f"image={'x' * 300}…"),
        (runtime_pb2.StatusRequest(), ""),
    ],
)
def test_a_request_is_named_without_secrets(request_: Any, expected: str) -> None:
    assert answering_module.subject(request_) == expected
