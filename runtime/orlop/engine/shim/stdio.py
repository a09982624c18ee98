"""`Stdio`: the one part that reads a container's stdio fifos. It writes the log and serves whoever is attached.

Made when the container is created, and again when the daemon comes back to one that lives. Every byte is in the log
before a client sees it.
"""

import asyncio
import contextlib
import logging

from orlop.aio.descriptors import Reader, write_all
from orlop.aio.duplex import Client, OutputName
from orlop.aio.tasks import Background
from orlop.engine.shim.crilog import CriLog
from orlop.engine.shim.fifos import Fifos

log = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds that a client may hold up the container's output; then it is cut off."""
WAITING = 16
"""Pieces of output, of at most 64 KiB, that wait for one client."""
END_GRACE = 2.0
"""Seconds that a stream may stay open after the container's end: what daemonised may hold it for ever."""

_Piece = tuple[OutputName, bytes] | None
"""None: no more will come."""


class Stdio:
    """A container's first process, as bytes."""

    def __init__(self, fifos: Fifos, log_path: str, title: str) -> None:
        self.fifos = fifos
        self._log = CriLog(log_path)
        self._title = title
        self._background = Background()
        self._clients: set[asyncio.Queue[_Piece]] = set()
        self._open = 0
        self.ended = asyncio.Event()
        """Set when every output has ended."""

    def begin(self) -> None:
        """Read from now on. The shim must have opened its ends, or have gone for ever."""
        self._open = len(self.fifos.readers)
        for name, reader in self.fifos.readers.items():
            self._background.spawn(self._pump(name, reader), f"{name} of {self._title}")

    async def drain(self) -> None:
        """The container has ended: read what is left, to the end."""
        for reader in self.fifos.readers.values():
            reader.expect_end(END_GRACE)
        if self._open:
            await self.ended.wait()

    async def reopen_log(self) -> None:
        """Go on in a new file where the old one was renamed. Raises OSError."""
        await self._log.reopen()

    async def serve(self, client: Client, outputs: frozenset[str]) -> None:
        """Give a client the outputs from now on, until they end or it cannot keep up."""
        if self.ended.is_set():
            return
        queue: asyncio.Queue[_Piece] = asyncio.Queue(WAITING)
        self._clients.add(queue)
        try:
            # A queue that was full at the end got no word of it.
            while not (self.ended.is_set() and queue.empty()) and (piece := await queue.get()) is not None:
                if piece[0] in outputs:
                    await client.write(*piece)
        finally:
            self._clients.discard(queue)

    async def feed(self, data: bytes) -> None:
        """Bytes for the container's input, where it has one that is open."""
        if self.fifos.stdin >= 0:
            await write_all(self.fifos.stdin, data)

    async def aclose(self) -> None:
        """Stop reading; the fifos stay."""
        await self._background.aclose()
        self._tell_end()
        self.fifos.close()
        self._log.close()

    async def _pump(self, name: OutputName, reader: Reader) -> None:
        try:
            while data := await reader.read():
                await self._log.write(name, data)
                for queue in list(self._clients):
                    await self._hand(queue, (name, data))
        finally:
            self._open -= 1
            if not self._open:
                self._tell_end()

    async def _hand(self, queue: "asyncio.Queue[_Piece]", piece: tuple[OutputName, bytes]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await queue.put(piece)
        except TimeoutError:
            log.warning("%s: a client that is attached took no output for %g s and is cut off", self._title, PATIENCE)
            self._cut(queue)

    def _tell_end(self) -> None:
        self.ended.set()
        for queue in list(self._clients):
            # A full queue belongs to a client that is slow, not gone: it still gets all that waits.
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(None)

    def _cut(self, queue: "asyncio.Queue[_Piece]") -> None:
        self._clients.discard(queue)
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)
