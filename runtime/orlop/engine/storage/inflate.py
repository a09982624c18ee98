"""Compressed bytes in, tar bytes out: gzip by ISA-L, zstd, or none. Digests of both sides are taken on the way.

Decoders are imported when asked for, before the worker gives up its view of the filesystem.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading

TYPE_CHECKING = False  # as in typing, without importing it
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Protocol

    class Readable(Protocol):
        """Something to read bytes from."""

        def read(self, size: int, /) -> bytes:
            """At most so many bytes, none at the end."""
            ...


CHUNK = 1 << 20
AHEAD = 4
"""Chunks between the reading and the writing thread."""
_GZIP_INPUT = 1 << 17
"""Small, for what is behind a member's end is copied once per member, and some layers have a member per file."""
MAX_WINDOW = 1 << 27
"""Memory that a zstd frame may ask for."""


class InflateError(Exception):
    """The compressed data is broken."""


class HashedInput:
    """A descriptor that is hashed and counted as it is read."""

    def __init__(self, fd: int, algorithm: str) -> None:
        self._fd = fd
        self._hash = hashlib.new(algorithm)
        self.count = 0

    def read(self, size: int, /) -> bytes:
        """What one read(2) gives."""
        data = os.read(self._fd, size)
        self._hash.update(data)
        self.count += len(data)
        return data

    def drain(self) -> None:
        """Read what a decoder left: the digest is of the whole blob."""
        while self.read(CHUNK):
            pass

    def digest(self) -> str:
        """Hexadecimal digest of what has been read."""
        return self._hash.hexdigest()


class GzipReader:
    """Inflates gzip members one after another (RFC 1952, 2.2), with zeros behind the last one allowed.

    On top of the library's bare decompressor: its file class takes longer to import than the rest of the worker.
    """

    def __init__(self, source: Readable, begin: Callable[[], Any]) -> None:
        self._source = source
        self._begin = begin
        self._member = begin()
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes of tar, none at the end."""
        while True:
            if self._member.eof and not self._next_member():
                return b""
            if not self._rest and self._member.needs_input:
                self._rest = self._source.read(_GZIP_INPUT)
                if not self._rest:
                    raise EOFError("the gzip data ends too early")
            data: bytes = self._member.decompress(self._rest, size)
            self._rest = b""
            if data:
                return data

    def _next_member(self) -> bool:
        """Whether another member follows; padding is skipped."""
        rest: bytes = self._member.unused_data.lstrip(b"\0")
        while not rest:
            chunk = self._source.read(_GZIP_INPUT)
            if not chunk:
                return False
            rest = chunk.lstrip(b"\0")
        self._member, self._rest = self._begin(), rest
        return True


def decoder(compression: str) -> Callable[[Readable], Readable]:
    """What turns the input into tar bytes; imports the library now."""
    if compression == "gzip":
        from isal import igzip_lib

        def begin() -> Any:
            return igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_GZIP)

        return lambda source: GzipReader(source, begin)
    if compression == "zstd":
        import zstandard

        window: Any = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
        return lambda source: window.stream_reader(source, read_size=CHUNK, read_across_frames=True)
    return lambda source: source


class Inflated:
    """The tar bytes of a blob, chunk by chunk, read and inflated ahead in a thread of its own.

    The digests, the decoder and read(2) all release the interpreter's lock, so this runs beside the unpacking.
    """

    def __init__(
        self,
        source: HashedInput,
        decode: Callable[[Readable], Readable],
        algorithm: str,
        sink: Callable[[bytes], object] = len,
    ) -> None:
        """`sink` is given every chunk, in the reading thread."""
        self._source = source
        self._sink = sink
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
                self._sink(chunk)
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
