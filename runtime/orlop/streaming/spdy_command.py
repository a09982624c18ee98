"""Exec and attach over SPDY: which protocol version, which stream is what, and when all are there."""

import asyncio

from orlop.services.streams import CommandPlan
from orlop.streaming.command import expected, serve_command
from orlop.streaming.spdy import SpdyStream

PROTOCOLS = ("v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io")
"""Best first. v3 brought sizes of the window, v4 the exit code as JSON."""

OPENING_LIMIT = 30.0
"""Seconds in which the client must have opened its streams."""


class SpdyCommand:
    """One session; its streams are accepted as they are opened."""

    def __init__(self, plan: CommandPlan, protocol: str, *, idle_timeout: float) -> None:
        self._plan = plan
        self._idle_timeout = idle_timeout
        self._as_json = protocol == PROTOCOLS[0]
        self._expected = expected(plan.choice, resizes=protocol != PROTOCOLS[2])
        self._channels: dict[str, SpdyStream] = {}
        self._complete = asyncio.Event()

    def accept(self, stream: SpdyStream) -> bool:
        """Whether the stream is one that is still missing."""
        name = stream.headers.get("streamtype", "").lower()
        if name not in self._expected or name in self._channels:
            return False
        self._channels[name] = stream
        if len(self._channels) == len(self._expected):
            self._complete.set()
        return True

    async def serve(self) -> None:
        """The whole session. Raises TimeoutError when the client does not open its streams."""
        async with asyncio.timeout(OPENING_LIMIT):
            await self._complete.wait()
        await serve_command(self._plan, self._channels, idle_timeout=self._idle_timeout, as_json=self._as_json)
