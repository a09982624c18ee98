"""ttrpc's framing, without I/O: ten bytes of header, then the data (PROTOCOL.md of containerd/ttrpc, version 1.2).

length  u32 big-endian   of the data, at most 4 MiB
stream  u32 big-endian   odd: begun by the client
kind    u8               request, response, data
flags   u8
"""

import struct
from collections.abc import Iterator
from enum import IntEnum, IntFlag

import msgspec

from orlop.ttrpc.errors import ProtocolError

HEADER = struct.Struct(">IIBB")
MAX_DATA = 4 << 20
"""Bytes of one message."""
FIRST_RESERVED = 1 << 24
"""A length's first byte is reserved and zero: more than this is another protocol, not a long message."""


class Kind(IntEnum):
    """Of a frame."""

    REQUEST = 1
    RESPONSE = 2
    DATA = 3


class Flags(IntFlag):
    """Of a frame; a unary call has none."""

    NONE = 0
    REMOTE_CLOSED = 1
    REMOTE_OPEN = 2
    NO_DATA = 4


class Frame(msgspec.Struct, frozen=True):
    """One message."""

    stream: int
    kind: int
    """A Kind; a later version may have more, which the reader ignores."""
    data: bytes = b""
    flags: int = 0
    oversized: bool = False
    """Its data was longer than MAX_DATA and has been thrown away; the connection goes on."""


def encode(frame: Frame) -> bytes:
    """Header and data. Raises ValueError where the data is longer than a message may be."""
    if len(frame.data) > MAX_DATA:
        raise ValueError(f"a ttrpc message of {len(frame.data)} bytes: {MAX_DATA} are allowed")
    return HEADER.pack(len(frame.data), frame.stream, frame.kind, frame.flags) + frame.data


class FrameParser:
    """Cuts bytes into frames. Never holds more than one message and what was fed last."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skip = 0  # bytes of an oversized message still to come

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete now. Raises ProtocolError at a header that cannot be one."""
        self._buffer += data
        while True:
            if self._skip:
                thrown = min(self._skip, len(self._buffer))
                del self._buffer[:thrown]
                self._skip -= thrown
            if self._skip or len(self._buffer) < HEADER.size:
                return
            length, stream, kind, flags = HEADER.unpack_from(self._buffer)
            if length >= FIRST_RESERVED:
                raise ProtocolError(f"a header of ttrpc with {length} bytes: the peer speaks another protocol")
            if length > MAX_DATA:
                del self._buffer[: HEADER.size]
                self._skip = length
                yield Frame(stream, kind, flags=flags, oversized=True)
                continue
            end = HEADER.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[HEADER.size : end])
            del self._buffer[:end]
            yield Frame(stream, kind, payload, flags)

    @property
    def inside(self) -> bool:
        """Whether a frame has begun and not ended: an end of the connection here is a break."""
        return bool(self._buffer or self._skip)
