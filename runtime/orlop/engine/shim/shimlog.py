"""What a shim has to say itself: the fifo "log" in the bundle that it was born in. Its lines go to the daemon's log.

runc's shim opens the fifo when it is born, waits for somebody who reads it, and ends where it is not there.
"""

import logging
import os

from orlop.aio.descriptors import Reader
from orlop.aio.tasks import Background

log = logging.getLogger(__name__)

NAME = "log"
LINE_LIMIT = 2000
"""Bytes of a line that are shown."""


class ShimLog:
    """Reads one shim's log until it is closed."""

    def __init__(self, bundle: str, container_id: str) -> None:
        """Makes the fifo where it is missing. Raises OSError."""
        path = os.path.join(bundle, NAME)
        try:
            os.mkfifo(path, 0o600)
        except FileExistsError:
            pass  # from the daemon's last life
        # With both ends: no end of file while no shim has it open.
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._background = Background()
        self._background.spawn(self._read(container_id[:12]), f"log of the shim of {container_id[:12]}")

    async def aclose(self) -> None:
        """Stop reading. Once."""
        await self._background.aclose()
        os.close(self._fd)

    async def _read(self, name: str) -> None:
        reader = Reader(self._fd)
        while data := await reader.read():
            for line in data.splitlines():
                log.debug("shim of %s: %s", name, line[:LINE_LIMIT].decode(errors="replace"))
