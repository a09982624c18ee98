"""The ttrpc server over a real socket: against our own client, and against frames that no client should send."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orlop.ttrpc.client import Client
from orlop.ttrpc.envelope_pb2 import Request, Response
from orlop.ttrpc.errors import Code, Disconnected, StatusError
from orlop.ttrpc.frames import HEADER, MAX_DATA, Frame, Kind
from orlop.ttrpc.link import FrameLink, SocketStream
from orlop.ttrpc.server import MOST_CALLS, Server


@dataclass
class Served:
    """A server, and how its methods behave."""

    path: str
    servers: list[Server]
    release: asyncio.Event
    running: int = 0
    most: int = 0

    async def echo(self, payload: bytes) -> bytes:
        """What it was given."""
        return payload

    async def wait(self, payload: bytes) -> bytes:
        """Waits until the test says so."""
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.release.wait()
        finally:
            self.running -= 1
        return payload

    async def refuse(self, payload: bytes) -> bytes:
        """An error for the peer."""
        raise StatusError(Code.NOT_FOUND, "no such thing")

    async def fail(self, payload: bytes) -> bytes:
        """An error of our own."""
        raise KeyError("secret")

    async def flood(self, payload: bytes) -> bytes:
        """More than a message may have."""
        return b"x" * (MAX_DATA + 1)

    async def client(self) -> Client:
        """A connection with calls."""
        return Client(await SocketStream.connect(self.path))

    async def link(self) -> FrameLink:
        """A connection with frames."""
        return FrameLink(await SocketStream.connect(self.path))


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    it = Served(str(tmp_path / "s"), [], asyncio.Event())
    names: dict[str, Callable[[bytes], Awaitable[bytes]]] = {
        f"s/{method.__name__}": method for method in (it.echo, it.wait, it.refuse, it.fail, it.flood)
    }

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        it.servers.append(Server(SocketStream(reader, writer), names))

    listening = await asyncio.start_unix_server(accept, it.path)
    yield it
    for server in it.servers:
        await server.aclose()
    listening.close()
    await listening.wait_closed()


async def _answer(link: FrameLink) -> tuple[int, Response]:
    frame = await link.receive()
    assert frame is not None and frame.kind == Kind.RESPONSE
    return frame.stream, Response.FromString(frame.data)


async def test_calls_are_answered_whatever_their_order(served: Served) -> None:
    client = await served.client()
    slow = asyncio.create_task(client.call("s", "wait", b"slow"))
    assert await client.call("s", "echo", b"x" * 100_000) == b"x" * 100_000
    served.release.set()
    assert await slow == b"slow"
    await client.aclose()


async def test_errors_are_told_and_ours_are_not_shown(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    client = await served.client()
    with pytest.raises(StatusError, match="no such thing") as refused:
        await client.call("s", "refuse", b"")
    assert refused.value.code == Code.NOT_FOUND
    with pytest.raises(StatusError, match="an error of the server") as failed:
        await client.call("s", "fail", b"")
    assert failed.value.code == Code.INTERNAL
    assert "secret" in caplog.text
    with pytest.raises(StatusError, match="there is no method s/other") as unknown:
        await client.call("s", "other", b"")
    assert unknown.value.code == Code.UNIMPLEMENTED
    with pytest.raises(StatusError, match="4194304 are allowed"):
        await client.call("s", "flood", b"")
    assert await client.call("s", "echo", b"still") == b"still"
    await client.aclose()


async def test_the_peers_deadline_ends_the_call_here_too(served: Served) -> None:
    link = await served.link()
    request = Request(service="s", method="wait", timeout_nano=50_000_000)
    await link.send(Frame(1, Kind.REQUEST, request.SerializeToString()))
    stream, response = await _answer(link)
    assert (stream, response.status.code) == (1, Code.DEADLINE_EXCEEDED)
    assert served.running == 0
    link.close()


async def test_calls_at_a_time_are_bounded_and_the_rest_waits(served: Served) -> None:
    client = await served.client()
    calls = [asyncio.create_task(client.call("s", "wait", b"%d" % n)) for n in range(3 * MOST_CALLS)]
    async with asyncio.timeout(30):
        while served.running < MOST_CALLS:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    served.release.set()
    assert await asyncio.gather(*calls) == [b"%d" % n for n in range(3 * MOST_CALLS)]
    assert served.most == MOST_CALLS
    await client.aclose()


async def test_what_is_no_request_is_refused_by_its_stream_and_the_connection_goes_on(served: Served) -> None:
    link = await served.link()
    good = Request(service="s", method="echo", payload=b"hi").SerializeToString()
    for frame, code in (
        (Frame(2, Kind.REQUEST, good), Code.INVALID_ARGUMENT),
        (Frame(7, Kind.REQUEST, b"\xff\xff"), Code.INVALID_ARGUMENT),
        (Frame(5, Kind.REQUEST, good), Code.INVALID_ARGUMENT),  # not new: 7 was before it
        (Frame(9, Kind.DATA, b""), Code.INVALID_ARGUMENT),
    ):
        await link.send(frame)
        assert (await _answer(link))[1].status.code == code
    await link._stream.write(HEADER.pack(MAX_DATA + 1, 11, Kind.REQUEST, 0) + b"x" * (MAX_DATA + 1))
    assert (await _answer(link))[1].status.code == Code.RESOURCE_EXHAUSTED
    await link.send(Frame(13, 77, b"of a later version"))
    await link.send(Frame(13, Kind.REQUEST, good))
    assert (await _answer(link))[1].payload == b"hi"
    link.close()


async def test_a_client_that_goes_leaves_nothing(served: Served) -> None:
    client = await served.client()
    call = asyncio.create_task(client.call("s", "wait", b""))
    async with asyncio.timeout(30):
        while not served.running:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await client.aclose()
    with pytest.raises(Disconnected):
        await call
    await served.servers[0].wait_closed()
    await served.servers[0].aclose()
    assert served.running == 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.lists(st.binary(max_size=60), max_size=8))
async def test_no_bytes_break_the_server(served: Served, data: list[bytes]) -> None:
    stream = await SocketStream.connect(served.path)
    for part in data:
        try:
            await stream.write(part)
        except OSError:
            break
    stream.close()
    client = await served.client()
    assert await client.call("s", "echo", b"alive") == b"alive"
    await client.aclose()
