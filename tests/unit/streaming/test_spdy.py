"""A connection's streams: opened, refused, reset, and gone with the client."""

import struct

import pytest

from orlop.streaming import spdy
from orlop.streaming.frames.errors import ProtocolError
from orlop.streaming.frames.spdy import REFUSED_STREAM, Data, Decoder, Encoder, Frame, GoAway, Ping, Reset
from orlop.streaming.spdy import SpdyConnection, SpdyStream


class Recorder:
    """A wire that keeps what is written."""

    def __init__(self) -> None:
        self.sent = b""

    def write(self, *parts: bytes) -> None:
        self.sent += b"".join(parts)

    async def drain(self) -> None:
        """There is always room."""

    @property
    def frames(self) -> list[Frame]:
        """What a client would have been told since the last look."""
        sent, self.sent = self.sent, b""
        return list(Decoder().feed(sent))


class Client:
    """A connection with a client's encoder, accepting what names a type."""

    def __init__(self) -> None:
        self.wire, self.encoder = Recorder(), Encoder()
        self.streams: list[SpdyStream] = []
        self.connection = SpdyConnection(self.wire, self._accept)

    def _accept(self, stream: SpdyStream) -> bool:
        if "streamtype" not in stream.headers:
            return False
        self.streams.append(stream)
        return True

    def open(self, number: int, **headers: str) -> None:
        self.connection.feed(self.encoder.syn_stream(number, headers))


async def test_bytes_both_ways_and_ends_both_ways() -> None:
    client = Client()
    client.open(1, streamType="stdin")
    assert client.wire.sent == Encoder().syn_reply(1)
    client.wire.sent = b""
    client.connection.feed(Encoder.data_head(1, 3) + b"abc" + Encoder.data_head(1, 0, fin=True))
    stream = client.streams[0]
    assert [await stream.read(), await stream.read()] == [b"abc", b""]
    await stream.write(b"back")
    await stream.finish()
    await stream.finish()
    await stream.write(b"after the end")
    assert client.wire.frames == [Data(1, b"back", False), Data(1, b"", True)]


async def test_large_writes_are_cut() -> None:
    client = Client()
    client.open(1, streamType="stdout")
    client.wire.sent = b""
    await client.streams[0].write(bytes(spdy.CHUNK + 1))
    assert [len(frame.data) for frame in client.wire.frames if isinstance(frame, Data)] == [spdy.CHUNK, 1]


async def test_streams_that_are_not_accepted_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    client.open(1)
    assert client.wire.frames == [Reset(1, REFUSED_STREAM)]
    monkeypatch.setattr(spdy, "MAX_STREAMS", 1)
    client.open(3, streamType="a")
    client.open(5, streamType="b")
    assert client.wire.frames == [Reset(5, REFUSED_STREAM)]


@pytest.mark.parametrize("number", [2, 1, 0])
async def test_numbers_of_streams_grow_and_are_odd(number: int) -> None:
    client = Client()
    client.open(1, streamType="a")
    with pytest.raises(ProtocolError, match=f"stream {number}"):
        client.open(number, streamType="b")


async def test_a_reset_ends_the_stream_both_ways() -> None:
    client = Client()
    client.open(1, streamType="stdout")
    client.wire.sent = b""
    client.connection.feed(Encoder.reset(1, 5) + Encoder.data_head(1, 4) + b"late")
    assert await client.streams[0].read() == b""
    await client.streams[0].write(b"dropped")
    assert client.wire.sent == b""


async def test_pings_of_the_client_come_back_and_answers_do_not() -> None:
    client = Client()
    client.connection.feed(Encoder.ping(7) + Encoder.ping(8))
    assert client.wire.frames == [Ping(7)]


async def test_settings_and_windows_are_tolerated() -> None:
    client = Client()
    settings = struct.pack(">HHI", 0x8003, 4, 12) + struct.pack(">III", 1, 4, 65536)
    window = struct.pack(">HHI", 0x8003, 9, 8) + struct.pack(">II", 0, 1024)
    client.connection.feed(settings + window + Encoder.goaway(0))
    client.open(1, streamType="a")
    assert len(client.streams) == 1


async def test_a_client_that_goes_ends_every_stream() -> None:
    client = Client()
    client.open(1, streamType="a")
    client.open(3, streamType="b")
    client.connection.lost()
    assert [await stream.read() for stream in client.streams] == [b"", b""]


async def test_a_nudge_is_nothing_on_a_stream_that_is_open() -> None:
    client = Client()
    client.connection.nudge()
    client.open(1, streamType="a")
    client.open(3, streamType="b")
    await client.streams[0].finish()
    client.wire.sent = b""
    client.connection.nudge()
    assert client.wire.frames == [Data(3, b"", False)]


async def test_after_goaway_nothing_is_taken() -> None:
    client = Client()
    client.open(1, streamType="a")
    client.wire.sent = b""
    client.connection.goaway()
    client.open(3, streamType="b")
    assert client.wire.frames == [GoAway(), Reset(3, REFUSED_STREAM)]
