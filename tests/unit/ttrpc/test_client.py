"""The ttrpc client against a peer over a real socket that answers, in which order and how the test says."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orlop.ttrpc.client import Client
from orlop.ttrpc.envelope_pb2 import KeyValue, Request, Response, Status
from orlop.ttrpc.errors import Code, Disconnected, StatusError
from orlop.ttrpc.frames import HEADER, MAX_DATA, Frame, Kind
from orlop.ttrpc.link import FrameLink, SocketStream


@dataclass
class Pair:
    """A client, and the link of its peer."""

    client: Client
    peer: FrameLink

    async def request(self) -> tuple[int, Request]:
        """The next request, with its stream."""
        frame = await self.peer.receive()
        assert frame is not None and frame.kind == Kind.REQUEST
        return frame.stream, Request.FromString(frame.data)

    async def answer(self, stream: int, payload: bytes = b"", code: int = 0, message: str = "") -> None:
        """A response to a stream."""
        response = Response(payload=payload, status=Status(code=code, message=message))
        await self.peer.send(Frame(stream, Kind.RESPONSE, response.SerializeToString()))


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    came: asyncio.Future[FrameLink] = asyncio.get_running_loop().create_future()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set_result(FrameLink(SocketStream(reader, writer)))

    server = await asyncio.start_unix_server(accept, str(tmp_path / "s"))
    client = Client(await SocketStream.connect(str(tmp_path / "s")))
    peer = await came
    yield Pair(client, peer)
    await client.aclose()
    peer.close()
    server.close()
    await server.wait_closed()


async def test_calls_at_once_get_their_own_answers(pair: Pair) -> None:
    calls = [asyncio.create_task(pair.client.call("s.Task", f"M{n}", b"%d" % n)) for n in range(20)]
    requests = [await pair.request() for _ in calls]
    assert [stream for stream, _ in requests] == [2 * n + 1 for n in range(20)]
    for stream, request in reversed(requests):
        assert request.service == "s.Task"
        await pair.answer(stream, b"answer to " + request.method.encode())
    assert await asyncio.gather(*calls) == [b"answer to M%d" % n for n in range(20)]


async def test_messages_deadline_and_metadata_reach_the_peer(pair: Pair) -> None:
    call = asyncio.create_task(pair.client.call("s", "M", b"in", timeout=60, metadata={"containerd-namespace": "k"}))
    stream, request = await pair.request()
    assert (request.payload, request.timeout_nano) == (b"in", 60 * 10**9)
    assert list(request.metadata) == [KeyValue(key="containerd-namespace", value="k")]
    await pair.answer(stream, KeyValue(key="a", value="b").SerializeToString())
    assert await call == b"\n\x01a\x12\x01b"
    typed = asyncio.create_task(pair.client.invoke("s", "M", KeyValue(key="x"), KeyValue))
    stream, request = await pair.request()
    await pair.answer(stream, request.payload)
    assert await typed == KeyValue(key="x")


async def test_an_error_carries_its_code_and_words(pair: Pair) -> None:
    call = asyncio.create_task(pair.client.call("s", "M", b""))
    stream, _ = await pair.request()
    await pair.answer(stream, code=5, message="no such process")
    with pytest.raises(StatusError, match=r"^no such process$") as caught:
        await call
    assert caught.value.code == Code.NOT_FOUND


async def test_a_deadline_ends_the_call_and_a_late_answer_disturbs_nobody(pair: Pair) -> None:
    with pytest.raises(StatusError, match="has no answer after") as caught:
        await pair.client.call("s", "Slow", b"", timeout=0.01)
    assert caught.value.code == Code.DEADLINE_EXCEEDED
    late, _ = await pair.request()
    call = asyncio.create_task(pair.client.call("s", "Next", b""))
    stream, _ = await pair.request()
    await pair.answer(late, b"late")
    await pair.answer(stream, b"right")
    assert await call == b"right"


async def test_a_peer_that_closes_ends_every_call_and_later_ones(pair: Pair) -> None:
    calls = [asyncio.create_task(pair.client.call("s", "M", b"")) for _ in range(3)]
    await pair.request()
    pair.peer.close()
    for call in calls:
        with pytest.raises(Disconnected, match="s/M: "):
            await call
    assert isinstance(await pair.client.wait_closed(), Disconnected)
    assert not pair.client.connected
    with pytest.raises(Disconnected):
        await pair.client.call("s", "M", b"")


async def test_an_answer_that_is_none_fails_its_call_alone(pair: Pair) -> None:
    bad = [
        Frame(0, Kind.DATA, b""),
        Frame(0, Kind.RESPONSE, b"\xff\xff\xff"),
        Frame(0, Kind.RESPONSE, b"\x12\x02\xff\xff"),
    ]
    for frame in bad:
        call = asyncio.create_task(pair.client.invoke("s", "M", KeyValue(), KeyValue))
        stream, _ = await pair.request()
        await pair.peer.send(Frame(stream, frame.kind, frame.data))
        with pytest.raises(StatusError, match="s/M answered"):
            await call
    assert pair.client.connected


async def test_too_long_a_message_is_not_sent_and_too_long_an_answer_fails_its_call_alone(pair: Pair) -> None:
    with pytest.raises(StatusError, match="4194304 are allowed"):
        await pair.client.call("s", "M", b"x" * MAX_DATA)
    call = asyncio.create_task(pair.client.call("s", "M", b""))
    stream, _ = await pair.request()
    await pair.peer._stream.write(HEADER.pack(MAX_DATA + 1, stream, Kind.RESPONSE, 0) + b"x" * (MAX_DATA + 1))
    with pytest.raises(StatusError, match="more than a message may have"):
        await call
    call = asyncio.create_task(pair.client.call("s", "M", b""))
    stream, _ = await pair.request()
    await pair.answer(stream, b"fine")
    assert await call == b"fine"


async def test_another_protocol_ends_the_connection(pair: Pair) -> None:
    call = asyncio.create_task(pair.client.call("s", "M", b""))
    await pair.request()
    await pair.peer._stream.write(b"HTTP/1.1 400 Bad Request\r\n")
    with pytest.raises(Disconnected, match="another protocol"):
        await call
    assert not pair.client.connected


async def test_a_caller_that_goes_away_leaves_nothing(pair: Pair) -> None:
    call = asyncio.create_task(pair.client.call("s", "M", b""))
    await pair.request()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert pair.client._waiting == {}
