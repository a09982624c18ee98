"""Netlink's wire format (netlink(7)): headers and attributes, packed and parsed. Pure; sockets are in connection.py."""

import struct
from collections.abc import Iterable, Iterator

import msgspec

HEADER = struct.Struct("=IHHII")
"""nlmsghdr: length, type, flags, sequence number, port."""
_ATTRIBUTE = struct.Struct("=HH")
NESTED = 0x8000

REQUEST, MULTI, ACK = 0x1, 0x2, 0x4
DUMP = 0x300
EXCLUSIVE, CREATE, APPEND = 0x200, 0x400, 0x800

NOOP, ERROR, DONE = 1, 2, 3


class Message(msgspec.Struct, frozen=True):
    """One message of an answer."""

    kind: int
    flags: int
    sequence: int
    body: bytes


def message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """A whole message; its length is that of header and body."""
    return HEADER.pack(HEADER.size + len(body), kind, flags, sequence, 0) + body


def messages(data: bytes) -> Iterator[Message]:
    """The messages of one datagram. Raises ValueError for a length that cannot be."""
    at = 0
    while at + HEADER.size <= len(data):
        length, kind, flags, sequence, _ = HEADER.unpack_from(data, at)
        if length < HEADER.size or at + length > len(data):
            raise ValueError(f"a netlink message of {length} bytes, of which {len(data) - at} are there")
        yield Message(kind, flags, sequence, data[at + HEADER.size : at + length])
        at += _aligned(length)


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(_aligned(length) - length)


def nested(kind: int, *inner: bytes) -> bytes:
    """An attribute that holds others."""
    return attribute(kind | NESTED, b"".join(inner))


def text(kind: int, value: str) -> bytes:
    """A string with the zero that ends it."""
    return attribute(kind, value.encode() + b"\0")


def attributes(data: bytes) -> dict[int, bytes]:
    """Attributes by kind; of several of one kind the last."""
    return dict(attribute_list(data))


def attribute_list(data: bytes) -> Iterable[tuple[int, bytes]]:
    """Attributes in their order. Raises ValueError for a length that cannot be."""
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size or at + length > len(data):
            raise ValueError(f"a netlink attribute of {length} bytes, of which {len(data) - at} are there")
        yield kind & 0x3FFF, data[at + _ATTRIBUTE.size : at + length]
        at += _aligned(length)


def string(value: bytes) -> str:
    """A string attribute's text."""
    return value.rstrip(b"\0").decode(errors="replace")


def _aligned(length: int) -> int:
    return (length + 3) & ~3
