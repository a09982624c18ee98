"""The server by its socket: where it listens, bad requests, slow ones, and the daemon's end."""

import asyncio
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from orlop.aio.duplex import Client
from orlop.model.errors import Unavailable
from orlop.services.streams import CommandPlan, StreamChoice
from orlop.streaming import door, spdy_command
from orlop.streaming.frames.spdy import Data, Decoder, Encoder
from orlop.streaming.server import StreamingServer


class Served:
    """A plan that tells what happens to it."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def run(self, client: Client) -> int:
        """Wait for the word "exit"."""
        self.began.set()
        try:
            while (data := await client.read()) and data != b"exit":
                await client.write("stdout", data)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return 0

    @property
    def plan(self) -> CommandPlan:
        choice = StreamChoice(stdin=True, stdout=True)
        return CommandPlan(verb="exec", title="container c", choice=choice, run=self.run)


@pytest.fixture
async def server() -> AsyncIterator[StreamingServer]:
    server = StreamingServer("127.0.0.1", 0, idle_timeout=0)
    yield server
    await server.close()
    await asyncio.sleep(0.02)  # transports close in a later turn of the loop


class Connection:
    """A client that has asked for a URL."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.encoder, self.decoder = Encoder(), Decoder()

    @classmethod
    async def to(cls, url: str, *, protocol: str = "v4.channel.k8s.io", head: bytes = b"") -> "Connection":
        place = urlsplit(url)
        connection = cls(*await asyncio.open_connection(place.hostname, place.port))
        request = f"POST {place.path} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
        request += f"X-Stream-Protocol-Version: {protocol}\r\n\r\n"
        connection.writer.write(head or request.encode())
        return connection

    async def head(self) -> str:
        async with asyncio.timeout(5):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    def open(self, **streams: int) -> None:
        for name, number in streams.items():
            self.writer.write(self.encoder.syn_stream(number, {"streamType": name}))

    async def rest(self) -> bytes:
        async with asyncio.timeout(5):
            return await self.reader.read()

    def close(self) -> None:
        self.writer.close()


async def test_a_session(server: StreamingServer) -> None:
    client = await Connection.to(await server.admit(Served().plan))
    assert "X-Stream-Protocol-Version: v4.channel.k8s.io" in await client.head()
    client.open(error=1, stdin=3, stdout=5)
    client.writer.write(Encoder.data_head(3, 5) + b"hello")
    await asyncio.sleep(0.05)
    client.writer.write(Encoder.data_head(3, 4) + b"exit")
    frames = [frame for frame in client.decoder.feed(await client.rest()) if isinstance(frame, Data)]
    assert [frame.data for frame in frames if frame.stream == 5] == [b"hello", b""]
    assert b"Success" in b"".join(frame.data for frame in frames if frame.stream == 1)
    assert {frame.stream for frame in frames if frame.fin} == {1, 5}
    client.close()


async def test_a_client_that_goes_cancels_its_plan(server: StreamingServer) -> None:
    served = Served()
    client = await Connection.to(await server.admit(served.plan))
    client.open(error=1, stdin=3, stdout=5)
    async with asyncio.timeout(5):
        await served.began.wait()
        client.writer.transport.abort()
        await served.cancelled.wait()


async def test_bytes_that_are_not_spdy_end_the_session(server: StreamingServer) -> None:
    served = Served()
    client = await Connection.to(await server.admit(served.plan))
    client.open(error=1, stdin=3, stdout=5)
    async with asyncio.timeout(5):
        await served.began.wait()
        client.writer.write(b"\x80\x02" + bytes(20))
        await served.cancelled.wait()
    client.close()


async def test_the_daemons_end_ends_every_session() -> None:
    server, served = StreamingServer("127.0.0.1", 0, idle_timeout=0), Served()
    client = await Connection.to(await server.admit(served.plan))
    client.open(error=1, stdin=3, stdout=5)
    await served.began.wait()
    await server.close()
    assert served.cancelled.is_set()
    assert len(server.sessions) == 0
    await client.head()
    frames = [frame for frame in client.decoder.feed(await client.rest()) if isinstance(frame, Data)]
    assert [(frame.stream, b"the daemon was stopped" in frame.data) for frame in frames] == [(1, True)]
    client.close()
    await asyncio.sleep(0.02)


async def test_a_client_that_opens_no_streams_is_let_go(
    server: StreamingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spdy_command, "OPENING_LIMIT", 0.1)
    served = Served()
    client = await Connection.to(await server.admit(served.plan))
    await client.head()
    assert await client.rest() == b""
    assert not served.began.is_set()
    client.close()


async def test_a_client_that_says_nothing_is_let_go(server: StreamingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "HEAD_LIMIT", 0.1)
    client = await Connection.to(await server.admit(Served().plan), head=b"GET /")
    assert await client.rest() == b""
    client.close()


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b"hello\r\n\r\n", b"HTTP/1.1 400 "),
        (b"x" * (1 << 14), b"HTTP/1.1 400 "),
        (b"GET /exec/unknown HTTP/1.1\r\n\r\n", b"HTTP/1.1 404 "),
        (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 404 "),
    ],
)
async def test_bad_requests(server: StreamingServer, head: bytes, answer: bytes) -> None:
    client = await Connection.to(await server.admit(Served().plan), head=head)
    assert (await client.rest()).startswith(answer)
    client.close()


@pytest.mark.parametrize(("offered", "chosen"), [("v2.channel.k8s.io", "v2"), ("v3.channel.k8s.io, v5.x", "v3")])
async def test_older_protocols(server: StreamingServer, offered: str, chosen: str) -> None:
    client = await Connection.to(await server.admit(Served().plan), protocol=offered)
    assert f"X-Stream-Protocol-Version: {chosen}.channel.k8s.io" in await client.head()
    client.close()


async def test_an_address_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = StreamingServer("127.0.0.1", taken.getsockname()[1], idle_timeout=0)
        with pytest.raises(Unavailable, match=r"streaming\.port"):
            await server.admit(Served().plan)
        await server.close()


@pytest.mark.parametrize(("address", "host"), [("::1", "[::1]"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1")])
async def test_urls(address: str, host: str) -> None:
    server = StreamingServer(address, 0, idle_timeout=0)
    url = await server.admit(Served().plan)
    assert url.startswith(f"http://{host}:")
    assert (await server.admit(Served().plan)).rpartition("/")[0] == url.rpartition("/")[0]
    await server.close()
