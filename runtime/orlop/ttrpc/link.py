"""What ttrpc runs over: any two-way stream of bytes. A unix socket here; a channel of a multiplexer is another one."""

import asyncio
from collections import deque
from typing import Protocol

from orlop.ttrpc.errors import Disconnected
from orlop.ttrpc.frames import Frame, FrameParser, encode

READ = 64 << 10


class ByteStream(Protocol):
    """A connection. Whole writes: those of two tasks at once are never mixed."""

    async def read(self) -> bytes:
        """The next bytes; empty at the end. Raises OSError where the connection breaks."""

    async def write(self, data: bytes) -> None:
        """Returns when there is room for more. Raises OSError where the connection has gone."""

    def close(self) -> None:
        """Let go at once; a read that waits ends. Again is fine."""


class SocketStream:
    """A connected unix socket as a ByteStream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, path: str) -> "SocketStream":
        """To the server at a path; the abstract namespace's begin with a zero byte. Raises OSError."""
        return cls(*await asyncio.open_unix_connection(path))

    async def read(self) -> bytes:
        return await self._reader.read(READ)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)  # one call, so in one piece; drain alone waits
        await self._writer.drain()

    def close(self) -> None:
        self._writer.transport.abort()


class FrameLink:
    """A ByteStream as frames, for client and server alike."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._parser = FrameParser()
        self._ready: deque[Frame] = deque()

    async def receive(self) -> Frame | None:
        """The next frame; None where the peer closed the connection between two frames.

        Raises Disconnected where it broke, ProtocolError where it sent no ttrpc. One task at a time.
        """
        while not self._ready:
            try:
                data = await self._stream.read()
            except OSError as error:
                raise Disconnected(f"the connection broke: {error}") from error
            if not data:
                if self._parser.inside:
                    raise Disconnected("the connection ended inside a message")
                return None
            self._ready.extend(self._parser.feed(data))
        return self._ready.popleft()

    async def send(self, frame: Frame) -> None:
        """Any task at any time. Raises Disconnected; ValueError where the message is too long."""
        data = encode(frame)
        try:
            await self._stream.write(data)
        except OSError as error:
            raise Disconnected(f"the connection broke: {error}") from error

    def close(self) -> None:
        """Let go of the stream."""
        self._stream.close()
