"""The far end of a streaming session as the work behind it sees it: bytes both ways, sizes of a terminal. No protocol.

Cancelling the work is how it learns that the far end has gone.
"""

from typing import Literal, NamedTuple, Protocol

OutputName = Literal["stdout", "stderr"]


class Size(NamedTuple):
    """Of a terminal, in characters."""

    width: int
    height: int


class Client(Protocol):
    """Who looks at a command: its keyboard, its two outputs, its window."""

    async def read(self) -> bytes:
        """The next bytes for the command's input; empty at their end."""

    async def write(self, output: OutputName, data: bytes) -> None:
        """Bytes of an output. Returns when there is room for more."""

    async def resized(self) -> Size | None:
        """The next size of the window; None when no more will come."""


class Peer(Protocol):
    """The far end of one forwarded connection."""

    async def read(self) -> bytes:
        """The next bytes; empty at their end."""

    async def write(self, data: bytes) -> None:
        """Returns when there is room for more."""

    async def write_eof(self) -> None:
        """No more will be written; reading goes on."""
