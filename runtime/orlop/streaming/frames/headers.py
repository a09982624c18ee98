"""SPDY/3 header blocks: names and values, compressed by one zlib stream per connection and direction. No I/O."""

import struct
import zlib
from collections.abc import Mapping

from orlop.streaming.frames.dictionary import DICTIONARY
from orlop.streaming.frames.errors import ProtocolError

MAX_BLOCK = 1 << 16
"""Bytes of a block when decompressed; Kubernetes' clients send some two hundred."""

Headers = dict[str, str]
"""Names in lower case. Several values of one name are divided by NUL, as on the wire."""


class HeaderWriter:
    """Compresses the blocks of one direction."""

    def __init__(self) -> None:
        # Level and window are the writer's choice; sessions have a handful of blocks, so memory comes first.
        self._zlib = zlib.compressobj(zlib.Z_BEST_SPEED, zlib.DEFLATED, 11, 1, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)

    def encode(self, headers: Mapping[str, str]) -> bytes:
        """One block. Must be sent in the order of the calls."""
        parts = [struct.pack(">I", len(headers))]
        for name, value in headers.items():
            for text in (name.lower().encode(), value.encode()):
                parts += (struct.pack(">I", len(text)), text)
        return self._zlib.compress(b"".join(parts)) + self._zlib.flush(zlib.Z_SYNC_FLUSH)


class HeaderReader:
    """Decompresses the blocks of one direction."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zdict=DICTIONARY)

    def decode(self, block: bytes) -> Headers:
        """One block. Raises ProtocolError, after which the connection cannot go on."""
        try:
            plain = self._zlib.decompress(block, MAX_BLOCK + 1)
        except zlib.error as error:
            raise ProtocolError(f"a header block cannot be decompressed: {error}") from error
        if len(plain) > MAX_BLOCK or self._zlib.unconsumed_tail:
            raise ProtocolError(f"a header block has more than {MAX_BLOCK} bytes")
        return parse_block(plain)


def parse_block(plain: bytes) -> Headers:
    """A block without its compression."""
    headers: Headers = {}
    at, count = _number(plain, 0)
    for _ in range(count):
        at, name = _text(plain, at)
        name = name.lower()
        at, value = _text(plain, at)
        if not name or name in headers:
            raise ProtocolError("a header block has an empty name, or one name twice")
        headers[name] = value
    if at != len(plain):
        raise ProtocolError("a header block is longer than its headers")
    return headers


def _number(plain: bytes, at: int) -> tuple[int, int]:
    if len(plain) < at + 4:
        raise ProtocolError("a header block is cut off")
    return at + 4, int.from_bytes(plain[at : at + 4], "big")


def _text(plain: bytes, at: int) -> tuple[int, str]:
    at, length = _number(plain, at)
    if len(plain) < at + length:
        raise ProtocolError("a header block is cut off")
    # Text that is not UTF-8 is in no header that we know; it must not end the connection.
    return at + length, plain[at : at + length].decode(errors="replace")
