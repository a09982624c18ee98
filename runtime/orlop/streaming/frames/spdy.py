"""SPDY/3.1 frames, from bytes and to bytes, without I/O (spdy-protocol-draft3-1, section 2).

Data comes out in the pieces in which it came in: only control frames are held until they are whole, and they are
bounded. What a frame means for a connection is in streaming.spdy.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import ClassVar

import msgspec

from orlop.streaming.frames.errors import ProtocolError
from orlop.streaming.frames.headers import HeaderReader, Headers, HeaderWriter

VERSION = 3
MAX_CONTROL = 1 << 16
"""Bytes of a control frame behind its head."""
MAX_DATA = (1 << 24) - 1
"""Bytes that one data frame can carry."""

FIN = 0x01
HEAD = 8

SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS, WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9

INVALID_STREAM, REFUSED_STREAM, CANCEL, INTERNAL_ERROR = 2, 3, 5, 6
"""Reasons of RST_STREAM."""


class Data(msgspec.Struct, frozen=True):
    """A piece of a data frame; `fin` with the last piece of the stream's last frame."""

    stream: int
    data: bytes
    fin: bool


class SynStream(msgspec.Struct, frozen=True):
    """The client opens a stream."""

    stream: int
    headers: Headers
    fin: bool


class Reset(msgspec.Struct, frozen=True):
    """A stream is given up."""

    stream: int
    reason: int


class Ping(msgspec.Struct, frozen=True):
    """Wants the same back."""

    number: int


class GoAway(msgspec.Struct, frozen=True):
    """No more streams will be opened."""


Frame = Data | SynStream | Reset | Ping | GoAway


class Decoder:
    """Takes bytes as they come and tells the frames. After a ProtocolError it must not be fed again."""

    _exact: ClassVar[dict[int, int]] = {RST_STREAM: 8, PING: 4, GOAWAY: 8, WINDOW_UPDATE: 8}
    """Lengths of control frames that have one."""

    def __init__(self) -> None:
        self._buffer = b""
        self._headers = HeaderReader()
        self._data_left = 0
        self._data_stream = 0
        self._data_fin = False

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that these bytes complete. To be iterated to its end. Raises ProtocolError."""
        # Held bytes are at most one control frame; most often there are none, and nothing is copied.
        buffer = self._buffer + data if self._buffer else data
        at = 0
        self._buffer = b""
        while True:
            if self._data_left:
                piece = buffer[at : at + self._data_left]
                if not piece:
                    return
                at += len(piece)
                self._data_left -= len(piece)
                yield Data(self._data_stream, piece, self._data_fin and not self._data_left)
                continue
            if len(buffer) - at < HEAD:
                break
            first, second = struct.unpack_from(">II", buffer, at)
            length = second & 0xFFFFFF
            if not first >> 31:
                at += HEAD
                yield from self._begin_data(first, second >> 24, length)
                continue
            _check(first, length)
            if len(buffer) - at < HEAD + length:
                break
            body = buffer[at + HEAD : at + HEAD + length]
            at += HEAD + length
            yield from self._control(first & 0xFFFF, second >> 24, body)
        self._buffer = buffer[at:]

    def _begin_data(self, stream: int, flags: int, length: int) -> Iterator[Frame]:
        self._data_stream, self._data_left, self._data_fin = stream, length, bool(flags & FIN)
        if not length:
            yield Data(stream, b"", self._data_fin)

    def _control(self, kind: int, flags: int, body: bytes) -> Iterator[Frame]:
        if len(body) != self._exact.get(kind, len(body)):
            raise ProtocolError(f"a control frame of type {kind} has {len(body)} bytes")
        if kind == SYN_STREAM:
            if len(body) < 10:
                raise ProtocolError("a SYN_STREAM frame is cut off")
            yield SynStream(_stream_id(body), self._headers.decode(body[10:]), bool(flags & FIN))
        elif kind in (SYN_REPLY, HEADERS):
            if len(body) < 4:
                raise ProtocolError("a header frame is cut off")
            self._headers.decode(body[4:])  # of no use to us, but part of the one zlib stream
        elif kind == RST_STREAM:
            yield Reset(_stream_id(body), int.from_bytes(body[4:], "big"))
        elif kind == PING:
            yield Ping(int.from_bytes(body, "big"))
        elif kind == GOAWAY:
            yield GoAway()
        # SETTINGS and WINDOW_UPDATE: Kubernetes' clients have no flow control but TCP's. Unknown kinds are skipped,
        # as the protocol wants it.


def _check(first: int, length: int) -> None:
    version = first >> 16 & 0x7FFF
    if version != VERSION:
        raise ProtocolError(f"a frame is of SPDY version {version}, not {VERSION}")
    if length > MAX_CONTROL:
        raise ProtocolError(f"a control frame of {length} bytes is longer than {MAX_CONTROL}")


def _stream_id(body: bytes) -> int:
    return int.from_bytes(body[:4], "big") & 0x7FFFFFFF


class Encoder:
    """Makes frames; their order is that of the calls, because headers are compressed as one stream."""

    def __init__(self) -> None:
        self._headers = HeaderWriter()

    def syn_stream(self, stream: int, headers: Mapping[str, str]) -> bytes:
        """Opens a stream; only clients do it here."""
        return _control(SYN_STREAM, struct.pack(">IIH", stream, 0, 0) + self._headers.encode(headers))

    def syn_reply(self, stream: int) -> bytes:
        """Accepts a stream."""
        return _control(SYN_REPLY, struct.pack(">I", stream) + self._headers.encode({}))

    @staticmethod
    def data_head(stream: int, length: int, *, fin: bool = False) -> bytes:
        """What stands before a data frame's bytes."""
        return struct.pack(">II", stream, (FIN if fin else 0) << 24 | length)

    @staticmethod
    def reset(stream: int, reason: int) -> bytes:
        """Gives a stream up."""
        return _control(RST_STREAM, struct.pack(">II", stream, reason))

    @staticmethod
    def ping(number: int) -> bytes:
        """The answer to a ping, and a ping."""
        return _control(PING, struct.pack(">I", number))

    @staticmethod
    def goaway(last_stream: int) -> bytes:
        """No more streams are taken."""
        return _control(GOAWAY, struct.pack(">II", last_stream, 0))


def _control(kind: int, body: bytes, flags: int = 0) -> bytes:
    return struct.pack(">HHI", 0x8000 | VERSION, kind, flags << 24 | len(body)) + body
