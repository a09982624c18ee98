"""WebSocket clients, by aiohttp: exec and attach in v5 and v4.channel.k8s.io, port-forward as SPDY in messages.

The first byte of a message is its channel. v5 adds channel 255, whose second byte names a channel that the client has
closed. Imported when the first such client comes.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from aiohttp import WSMsgType, web

from orlop.aio.hangup import NUDGE, HangupWatch
from orlop.services.streams import CommandPlan, ForwardPlan
from orlop.streaming.channels import Inbox, Throttle
from orlop.streaming.command import expected, serve_command
from orlop.streaming.door import UNKNOWN, House
from orlop.streaming.frames.errors import ProtocolError
from orlop.streaming.spdy import SpdyConnection
from orlop.streaming.spdy_forward import SpdyForward

log = logging.getLogger(__name__)

COMMAND_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
FORWARD_PROTOCOLS = ("SPDY/3.1+portforward.k8s.io",)

CHANNELS: Final = ("stdin", "stdout", "stderr", "error", "resize")
"""By number."""
CLOSE = 255
CHUNK = 1 << 15
"""Bytes of a message at most."""
QUEUED = 1 << 18
"""Bytes of the tunnel that wait to be sent before a writer has to wait."""


class WebSocketChannel:
    """One numbered channel (channels.Channel)."""

    def __init__(self, socket: web.WebSocketResponse, number: int, throttle: Throttle) -> None:
        self.inbox = Inbox(throttle)
        self._socket = socket
        self._number = bytes([number])
        self._finished = False

    async def read(self) -> bytes:
        """What has come; empty at the end."""
        return await self.inbox.read()

    async def write(self, data: bytes) -> None:
        """Send it, in messages of bounded size; an empty one tells that the channel is there."""
        with contextlib.suppress(ConnectionError):  # the client has gone: the reading side ends the session
            for at in range(0, len(data) or 1, CHUNK):
                await self._socket.send_bytes(self._number + data[at : at + CHUNK])

    async def finish(self) -> None:
        """The protocol has no word for it towards the client: the socket's end is the end of all channels."""


class TunnelWire:
    """Bytes to the client as binary messages (spdy.Wire)."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._queue: list[bytes] = []
        self._size = 0
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def write(self, *parts: bytes) -> None:
        """Queue bytes."""
        self._queue.extend(parts)
        self._size += sum(map(len, parts))
        self._filled.set()
        if self._size > QUEUED:
            self._room.clear()

    async def drain(self) -> None:
        """Wait for room."""
        await self._room.wait()

    async def send(self) -> None:
        """Send what is queued, until cancelled or the client has gone."""
        try:
            while True:
                await self._filled.wait()
                data, self._queue, self._size = b"".join(self._queue), [], 0
                self._filled.clear()
                for at in range(0, len(data), CHUNK):
                    await self._socket.send_bytes(data[at : at + CHUNK])
                if self._size <= QUEUED:
                    self._room.set()
        except ConnectionError:
            pass  # the reading side ends the session
        finally:
            self._room.set()


def make_server(house: House) -> web.Server:
    """Answers requests for WebSocket, one protocol object per connection."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        _, verb, token = [*request.path.split("/"), "", ""][:3]
        plan = house.tokens.take(verb, token)
        if plan is None:
            return web.Response(status=404, text=f"{UNKNOWN}\n")
        known = COMMAND_PROTOCOLS if isinstance(plan, CommandPlan) else FORWARD_PROTOCOLS
        offered = [word.strip() for word in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        if not set(known) & set(offered):
            return web.Response(status=403, text=f"none of the protocols is known here: {', '.join(offered)}\n")
        chosen = next(name for name in known if name in offered)
        socket = web.WebSocketResponse(protocols=(chosen,), compress=False)
        await socket.prepare(request)
        serve = _command if isinstance(plan, CommandPlan) else _forward
        await serve(socket, request, plan, house)  # type: ignore[arg-type]  # the plan's kind has chosen the function
        await socket.close()
        return socket

    return web.Server(answer, access_log=None)


async def _command(socket: web.WebSocketResponse, request: web.BaseRequest, plan: CommandPlan, house: House) -> None:
    throttle = Throttle()
    names = expected(plan.choice, resizes=True)
    channels = {
        name: WebSocketChannel(socket, number, throttle) for number, name in enumerate(CHANNELS) if name in names
    }
    first = next(name for name in ("stdout", "stderr", "error") if name in channels)
    await channels[first].write(b"")  # tells the client that it is connected
    session = house.sessions.spawn(
        serve_command(plan, channels, idle_timeout=house.idle_timeout), f"{plan.verb} of {plan.title}"
    )
    await _until_either(session, _receive(socket, request, throttle, lambda data: _dispatch(channels, data)))


def _dispatch(channels: dict[str, WebSocketChannel], data: bytes) -> None:
    number = data[1] if data[0] == CLOSE and len(data) > 1 else data[0]
    channel = channels.get(CHANNELS[number]) if number < len(CHANNELS) else None
    if channel is None:
        return  # a channel that the session does not have
    if data[0] == CLOSE:
        channel.inbox.end()
    else:
        channel.inbox.put(data[1:])


async def _forward(socket: web.WebSocketResponse, request: web.BaseRequest, plan: ForwardPlan, house: House) -> None:
    forwarding = SpdyForward(plan, idle_timeout=house.idle_timeout)
    wire = TunnelWire(socket)
    connection = SpdyConnection(wire, forwarding.accept)
    sender = house.sessions.spawn(wire.send(), f"tunnel of {plan.title}")
    session = house.sessions.spawn(forwarding.serve(), f"{plan.verb} of {plan.title}")
    try:
        await _until_either(session, _receive(socket, request, connection.throttle, connection.feed))
    except ProtocolError as error:
        log.debug("a streaming client is refused: %s", error)
    finally:
        connection.lost()
        sender.cancel()


async def _until_either(session: asyncio.Task[None], receiving: Coroutine[Any, Any, None]) -> None:
    """Until the session has ended, or its client has gone: then the session is cancelled, and its end awaited."""
    receiver = asyncio.create_task(receiving)
    try:
        await asyncio.wait((session, receiver), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (session, receiver):
            task.cancel()
        await asyncio.wait((session, receiver))
    if not receiver.cancelled() and (error := receiver.exception()):
        raise error


async def _receive(
    socket: web.WebSocketResponse, request: web.BaseRequest, throttle: Throttle, take: Callable[[bytes], None]
) -> None:
    """Take binary messages until the client has gone; none while something is full."""
    async for message in socket:
        if message.type is WSMsgType.BINARY and message.data:
            take(message.data)
        if not throttle.flowing.is_set() and await _gone_while_full(socket, request, throttle):
            return


async def _gone_while_full(socket: web.WebSocketResponse, request: web.BaseRequest, throttle: Throttle) -> bool:
    """Wait until there is room again. True when the client goes meanwhile, which reading would not tell."""
    if request.transport is None or request.transport.is_closing():
        return True
    gone = asyncio.Event()

    def tell() -> None:
        gone.set()
        throttle.flowing.set()

    watch = HangupWatch(request.transport.get_extra_info("socket").fileno(), tell)
    try:
        while not throttle.flowing.is_set():
            try:
                async with asyncio.timeout(NUDGE):
                    await throttle.flowing.wait()
            except TimeoutError:
                with contextlib.suppress(ConnectionError):
                    await socket.ping()
    finally:
        watch.close()
    return gone.is_set()
