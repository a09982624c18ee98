"""Compressed bytes in, tar bytes out: gzip by ISA-L, zstd, or none. Digests of both sides are taken on the way.

Decoders are imported when asked for, before the worker gives up its view of the filesystem.
"""

import hashlib
import io
import os
import queue
import threading
from collections.abc import Callable, Iterator
from typing import IO, Literal, Protocol, cast

Compression = Literal["gzip", "zstd", "none"]

CHUNK = 1 << 20
AHEAD = 4
"""Chunks between the reading and the writing thread."""
MAX_WINDOW = 1 << 27
"""Memory that a zstd frame may ask for."""


class InflateError(Exception):
    """The compressed data is broken."""


class Readable(Protocol):
    """Something to read bytes from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes, none at the end."""


class HashedInput(io.RawIOBase):
    """A descriptor that is hashed and counted as it is read."""

    def __init__(self, fd: int, algorithm: str) -> None:
        self._fd = fd
        self._hash = hashlib.new(algorithm)
        self.count = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]  # the stub wants a private type
        """Fill as much of the buffer as one read(2) gives."""
        count = os.readv(self._fd, [buffer])
        self._hash.update(memoryview(buffer)[:count])
        self.count += count
        return count

    def drain(self) -> None:
        """Read what a decoder left: the digest is of the whole blob."""
        buffer = bytearray(CHUNK)
        while self.readinto(buffer):
            pass

    def digest(self) -> str:
        """Hexadecimal digest of what has been read."""
        return self._hash.hexdigest()


def decoder(compression: Compression) -> Callable[[HashedInput], Readable]:
    """What turns the input into tar bytes; imports the library now."""
    if compression == "gzip":
        from isal import igzip

        opened: Callable[..., Readable] = igzip.IGzipFile
        return lambda source: opened(fileobj=io.BufferedReader(source, CHUNK), mode="rb")
    if compression == "zstd":
        import zstandard

        window = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
        return lambda source: window.stream_reader(cast("IO[bytes]", source), read_size=CHUNK, read_across_frames=True)
    return lambda source: source


class Inflated:
    """The tar bytes of a blob, chunk by chunk, read and inflated ahead in a thread of its own.

    The digests, the decoder and read(2) all release the interpreter's lock, so this runs beside the unpacking.
    """

    def __init__(self, source: HashedInput, decode: Callable[[HashedInput], Readable], algorithm: str) -> None:
        self._source = source
        self._decode = decode
        self._hash = hashlib.new(algorithm)
        self._queue: queue.Queue[bytes | BaseException | None] = queue.Queue(AHEAD)
        # A daemon: when unpacking fails, the process ends without reading the rest.
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            stream = self._decode(self._source)
            while chunk := stream.read(CHUNK):
                self._hash.update(chunk)
                self._queue.put(chunk)
            self._source.drain()
            self._queue.put(None)
        except BaseException as error:  # carried to the thread that unpacks, whatever it is
            self._queue.put(error)

    def __iter__(self) -> Iterator[bytes]:
        while (item := self._queue.get()) is not None:
            if isinstance(item, bytes):
                yield item
            else:
                raise InflateError(str(item) or type(item).__name__) from item

    def digest(self) -> str:
        """Hexadecimal digest of the tar; complete when the iteration has ended."""
        return self._hash.hexdigest()
