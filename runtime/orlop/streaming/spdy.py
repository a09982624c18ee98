"""A SPDY connection whose client opens the streams, over any carrier of bytes: a socket or WebSocket messages.

What a stream means is decided by whoever is asked to accept it. Frames are in `frames.spdy`.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from orlop.streaming.channels import Inbox, Throttle
from orlop.streaming.frames.errors import ProtocolError
from orlop.streaming.frames.headers import Headers
from orlop.streaming.frames.spdy import (
    REFUSED_STREAM,
    Data,
    Decoder,
    Encoder,
    GoAway,
    Ping,
    Reset,
    SynStream,
)

MAX_STREAMS = 1024
"""Open at once on one connection."""
CHUNK = 1 << 16
"""Bytes of a data frame at most, so that streams share the connection."""


class Wire(Protocol):
    """Carries bytes to the client, in order."""

    def write(self, *parts: bytes) -> None:
        """Never blocks; after the client has gone it does nothing."""

    async def drain(self) -> None:
        """Returns when there is room, or nobody left to write to."""


class SpdyStream:
    """One stream (a Channel), opened by the client."""

    def __init__(self, connection: "SpdyConnection", number: int, headers: Headers) -> None:
        self.number = number
        self.headers = headers
        self.inbox = Inbox(connection.throttle)
        self.finished = False
        """No more will be written."""
        self._connection = connection

    async def read(self) -> bytes:
        """What has come; empty at the end."""
        return await self.inbox.read()

    async def write(self, data: bytes) -> None:
        """Send bytes; returns when there is room for more."""
        for at in range(0, len(data), CHUNK):
            if self.finished:
                return
            piece = data[at : at + CHUNK] if len(data) > CHUNK else data
            self._connection.wire.write(Encoder.data_head(self.number, len(piece)), piece)
            await self._connection.wire.drain()

    async def finish(self) -> None:
        """Send the end of our half."""
        if not self.finished:
            self.finished = True
            self._connection.wire.write(Encoder.data_head(self.number, 0, fin=True))
            await self._connection.wire.drain()

    def close(self) -> None:
        """Done with: what still comes for it is dropped."""
        self.finished = True
        self._connection.forget(self)

    def given_up(self) -> None:
        """The client wants no more of it."""
        self.finished = True
        self.inbox.end()


class SpdyConnection:
    """The streams of one client."""

    def __init__(
        self, wire: Wire, accept: Callable[[SpdyStream], bool], on_throttle: Callable[[bool], None] = lambda _: None
    ) -> None:
        self.wire = wire
        self.throttle = Throttle(on_throttle)
        self.active_at = asyncio.get_running_loop().time()
        """When data came last. Pings do not count."""
        self._accept = accept
        self._decoder, self._encoder = Decoder(), Encoder()
        self._streams: dict[int, SpdyStream] = {}
        self._last = 0
        self._closing = False

    def feed(self, data: bytes) -> None:
        """Bytes from the client. Raises ProtocolError: then the connection must be closed."""
        for frame in self._decoder.feed(data):
            match frame:
                case Data():
                    self._data(frame)
                case SynStream():
                    self._open(frame)
                case Reset():
                    if stream := self._streams.pop(frame.stream, None):
                        stream.given_up()
                case Ping():
                    # Even numbers are answers to pings of ours, and we send none.
                    if frame.number % 2:
                        self.wire.write(self._encoder.ping(frame.number))
                case GoAway():
                    pass  # the streams there are go on

    def forget(self, stream: SpdyStream) -> None:
        """A stream is done with on our side: what still comes for it is dropped."""
        self._streams.pop(stream.number, None)
        stream.inbox.discard()

    def nudge(self) -> None:
        """Send something that nobody need answer. A ping would be answered, and the client may be unable to write."""
        if stream := next((stream for stream in self._streams.values() if not stream.finished), None):
            self.wire.write(Encoder.data_head(stream.number, 0))

    def goaway(self) -> None:
        """Tell that no more streams are taken; what comes from now on is dropped."""
        self._closing = True
        self.wire.write(self._encoder.goaway(self._last))
        for stream in list(self._streams.values()):
            self.forget(stream)

    def lost(self) -> None:
        """The client has gone: every stream has ended."""
        self._closing = True
        for stream in self._streams.values():
            stream.given_up()
        self._streams.clear()

    def _data(self, frame: Data) -> None:
        self.active_at = asyncio.get_running_loop().time()
        stream = self._streams.get(frame.stream)
        if stream is None:
            return  # for a stream that was reset or forgotten while this was on its way
        stream.inbox.put(frame.data)
        if frame.fin:
            stream.inbox.end()

    def _open(self, frame: SynStream) -> None:
        if not frame.stream % 2 or frame.stream <= self._last:
            raise ProtocolError(f"stream {frame.stream} was opened after stream {self._last}")
        self._last = frame.stream
        stream = SpdyStream(self, frame.stream, frame.headers)
        if self._closing or len(self._streams) >= MAX_STREAMS or not self._accept(stream):
            self.wire.write(self._encoder.reset(frame.stream, REFUSED_STREAM))
            return
        self._streams[frame.stream] = stream
        self.wire.write(self._encoder.syn_reply(frame.stream))
        if frame.fin:
            stream.inbox.end()
