"""One connection to the streaming server: its request, then the protocol that it changes to.

SPDY is spoken here, on the bare transport. A connection that wants WebSocket is handed over whole to aiohttp, which is
imported only then.
"""

import asyncio
import logging
from typing import Protocol

from orlop.aio.hangup import HangupWatch
from orlop.aio.tasks import Background
from orlop.services.streams import CommandPlan, Plan
from orlop.streaming import spdy_command, spdy_forward
from orlop.streaming.frames.errors import ProtocolError
from orlop.streaming.head import Head, parse_head, refusal, split_head, switching
from orlop.streaming.spdy import SpdyConnection
from orlop.streaming.tokens import Tokens

log = logging.getLogger(__name__)

HEAD_LIMIT = 10.0
"""Seconds in which the request's head must have come."""
LINGER = 5.0
"""Seconds in which the client closes after a session's end; then we do. Closing first could lose its unread bytes."""
HIGH_WATER = 1 << 18
"""Bytes that wait in our memory for the client before a writer has to wait."""

SPDY = "spdy/3.1"
UNKNOWN = "no such stream: its URL was used already, or is older than a minute, or never was"


class Session(Protocol):
    """What a SPDY connection is for."""

    async def serve(self) -> None:
        """To its end; cancelled when the client has gone."""


class House(Protocol):
    """What all connections share."""

    tokens: Tokens
    sessions: Background
    idle_timeout: float
    doors: "set[Door]"

    def web_protocol(self) -> asyncio.Protocol:
        """A connection of the WebSocket server."""


def session_for(
    plan: Plan, offered: list[str], idle_timeout: float
) -> tuple[str, "spdy_command.SpdyCommand | spdy_forward.SpdyForward"] | None:
    """The best protocol that both know, and the session; None where there is none."""
    known = spdy_command.PROTOCOLS if isinstance(plan, CommandPlan) else spdy_forward.PROTOCOLS
    protocol = next((name for name in known if name in offered), "")
    if not protocol:
        return None
    if isinstance(plan, CommandPlan):
        return protocol, spdy_command.SpdyCommand(plan, protocol, idle_timeout=idle_timeout)
    return protocol, spdy_forward.SpdyForward(plan, idle_timeout=idle_timeout)


class Door(asyncio.Protocol):
    """A client's connection, from its request's first byte on (also a spdy.Wire)."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._transport: asyncio.Transport
        self._received = b""
        self._refused = False
        self._spdy: SpdyConnection | None = None
        self._session: asyncio.Task[None] | None = None
        self._hangup: HangupWatch | None = None
        self._writable = asyncio.Event()
        self._gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(HIGH_WATER)
        self._writable.set()
        self._house.doors.add(self)
        self._timer = asyncio.get_running_loop().call_later(HEAD_LIMIT, self.abort)

    def data_received(self, data: bytes) -> None:
        """The request's head, then the session's bytes."""
        try:
            if self._spdy is not None:
                self._spdy.feed(data)
            elif not self._refused:
                self._received += data
                self._read_head()
        except ProtocolError as error:
            log.debug("a streaming client is refused: %s", error)
            if self._spdy is not None:
                self.abort()
            else:
                self._refuse(400, str(error))

    def connection_lost(self, error: Exception | None) -> None:
        """The client has gone; what was done for it ends."""
        self._timer.cancel()
        self._house.doors.discard(self)
        self._gone.set()
        self._writable.set()
        self._watch_hangup(False)
        if self._spdy is not None:
            self._spdy.lost()
        if self._session is not None:
            self._session.cancel()

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._writable.set()

    def write(self, *parts: bytes) -> None:
        """Bytes for the client."""
        if not self._gone.is_set():
            self._transport.writelines(parts)

    async def drain(self) -> None:
        """Wait for room."""
        await self._writable.wait()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _read_head(self) -> None:
        parts = split_head(self._received)
        if parts is None:
            return
        self._timer.cancel()
        head = parse_head(parts[0])
        if head.upgrade == "websocket":
            self._hand_over()
            return
        plan = self._house.tokens.take(*head.place)
        if plan is None:
            self._refuse(404, UNKNOWN)
        elif head.upgrade != SPDY:
            self._refuse(400, "a stream needs an upgrade of the connection, to SPDY/3.1 or to websocket")
        else:
            self._begin_spdy(plan, head, parts[1])

    def _hand_over(self) -> None:
        protocol = self._house.web_protocol()
        self._house.doors.discard(self)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(self._received)

    def _begin_spdy(self, plan: Plan, head: Head, rest: bytes) -> None:
        offered = head.words("x-stream-protocol-version")
        found = session_for(plan, offered, self._house.idle_timeout)
        if found is None:
            self._refuse(403, f"none of the protocols is known here: {', '.join(offered) or '(none was offered)'}")
            return
        protocol, session = found
        self._received = b""
        self.write(switching("SPDY/3.1", protocol))
        self._spdy = SpdyConnection(self, session.accept, self._throttle)
        self._session = self._house.sessions.spawn(self._serve(session), f"{plan.verb} of {plan.title}")
        if rest:
            self._spdy.feed(rest)

    async def _serve(self, session: Session) -> None:
        assert self._spdy is not None
        try:
            await session.serve()
            self._spdy.goaway()
            await self.drain()
            if self._transport.can_write_eof():  # TLS cannot: there the client closes first
                self._transport.write_eof()
            async with asyncio.timeout(LINGER):
                await self._gone.wait()
        except TimeoutError:
            pass  # streams that were never opened, or a client that does not close: it is closed here
        finally:
            self._transport.abort()

    def _throttle(self, full: bool) -> None:
        if self._gone.is_set():
            return
        (self._transport.pause_reading if full else self._transport.resume_reading)()
        self._watch_hangup(full)

    def _watch_hangup(self, wanted: bool) -> None:
        """While nothing is read, the client's end would not be seen: its command would run on."""
        if self._hangup is not None:
            self._hangup.close()
        self._hangup = None
        if wanted and self._spdy is not None:
            descriptor = self._transport.get_extra_info("socket").fileno()
            self._hangup = HangupWatch(descriptor, self.abort, self._spdy.nudge)

    def _refuse(self, code: int, text: str) -> None:
        self._refused = True
        self.write(refusal(code, text))
        self._transport.close()
