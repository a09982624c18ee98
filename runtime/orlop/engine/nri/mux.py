"""NRI's multiplexer: ttrpc in both directions over one connection (containerd/nri, pkg/net/multiplex).

Each piece has a header of eight bytes: the channel's number and the piece's length, both u32 big-endian. The plugin's
service is on channel 1, ours on channel 2. What a channel carries is a stream of bytes; ttrpc's framing is on top.
"""

import asyncio
import struct
from collections import deque
from collections.abc import Iterator

from orlop.ttrpc.errors import Disconnected, ProtocolError
from orlop.ttrpc.frames import HEADER as TTRPC_HEADER
from orlop.ttrpc.frames import MAX_DATA
from orlop.ttrpc.link import ByteStream

HEADER = struct.Struct(">II")
MAX_PIECE = TTRPC_HEADER.size + MAX_DATA
PLUGIN_SERVICE, RUNTIME_SERVICE = 1, 2
FIRST_PIECE = 4096
"""Bytes that a message's first piece may have. The library that plugins are built with reads a message's beginning into
a buffer of this size, and refuses a longer piece; what follows the first piece it reads into the message itself, whole.
"""
MOST_WAITING = 1 << 20
"""Bytes that wait for a channel's reader before the connection is not read further."""


def encode(channel: int, message: bytes) -> bytes:
    """A whole ttrpc message as pieces of a channel."""
    parts = [message[:FIRST_PIECE], message[FIRST_PIECE:]]
    return b"".join(HEADER.pack(channel, len(part)) + part for part in parts if part)


class PieceParser:
    """Cuts bytes into pieces, which it hands on as they come: it holds no more than a header."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._channel = 0
        self._left = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Channel and bytes, in order. Raises ProtocolError at a length that no message has."""
        at = 0
        while at < len(data):
            if self._left:
                part = data[at : at + self._left]
                self._left -= len(part)
                at += len(part)
                yield self._channel, part
                continue
            wanted = HEADER.size - len(self._header)
            self._header += data[at : at + wanted]
            at += wanted
            if len(self._header) == HEADER.size:
                self._channel, self._left = HEADER.unpack(self._header)
                self._header.clear()
                if self._left > MAX_PIECE:
                    raise ProtocolError(f"a piece of {self._left} bytes: the peer does not speak NRI's multiplexing")


class Channel:
    """One side of the connection, as the ByteStream that ttrpc runs over."""

    def __init__(self, trunk: "Trunk", number: int) -> None:
        self._trunk = trunk
        self._number = number
        self._pieces: deque[bytes] = deque()
        self._waiting = 0
        self._changed = asyncio.Condition()
        self._ended = False

    async def read(self) -> bytes:
        """The next bytes; empty at the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._pieces or self._ended)
            if not self._pieces:
                return b""
            piece = self._pieces.popleft()
            self._waiting -= len(piece)
            self._changed.notify_all()
            return piece

    async def write(self, data: bytes) -> None:
        """A whole ttrpc message. Raises OSError where the connection has gone."""
        await self._trunk.write(encode(self._number, data))

    def close(self) -> None:
        """Closes the connection: neither direction is of use without the other."""
        self._trunk.close()

    async def put(self, piece: bytes) -> None:
        """Hand bytes to the reader; waits while too many lie there already."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting < MOST_WAITING or self._ended)
            self._pieces.append(piece)
            self._waiting += len(piece)
            self._changed.notify_all()

    async def end(self) -> None:
        """No more bytes will come."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()


class Trunk:
    """The connection, and its channels. `run` reads until the end."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.channels = {number: Channel(self, number) for number in (PLUGIN_SERVICE, RUNTIME_SERVICE)}

    async def run(self) -> None:
        """Hand to each channel what comes for it. Returns at the end; bytes for other channels are dropped."""
        parser = PieceParser()
        try:
            while data := await self._stream.read():
                for number, piece in parser.feed(data):
                    if channel := self.channels.get(number):
                        await channel.put(piece)
        except (OSError, ProtocolError):
            pass  # as the end: calls that wait are told so, and the plugin is let go of
        finally:
            self.close()
            for channel in self.channels.values():
                await channel.end()

    async def write(self, data: bytes) -> None:
        """Bytes of one message, in one piece."""
        try:
            await self._stream.write(data)
        except OSError as error:
            raise Disconnected(f"the plugin's connection broke: {error}") from error

    def close(self) -> None:
        """Let go of the connection."""
        self._stream.close()
