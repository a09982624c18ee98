"""Port-forward over SPDY, bare or in WebSocket messages: each connection is a pair of streams, data and error."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from orlop.aio.tasks import Background
from orlop.model.errors import OrlopError
from orlop.services.streams import ForwardPlan
from orlop.streaming.idle import IdleLimit
from orlop.streaming.spdy import SpdyStream

log = logging.getLogger(__name__)

PROTOCOLS = ("portforward.k8s.io",)


class SpdyForward:
    """All forwarded connections of one client."""

    def __init__(self, plan: ForwardPlan, *, idle_timeout: float) -> None:
        self._plan = plan
        self._limit = IdleLimit(idle_timeout)
        self._pairs: dict[str, dict[str, SpdyStream]] = {}
        self._carrying = Background()

    def accept(self, stream: SpdyStream) -> bool:
        """Whether the stream belongs to a pair and names a port. A pair that is whole is carried."""
        kind, port = stream.headers.get("streamtype", "").lower(), parse_port(stream.headers.get("port", ""))
        if kind not in ("data", "error") or port is None:
            return False
        request = stream.headers.get("requestid") or _implied(kind, stream.number)
        pair = self._pairs.setdefault(request, {})
        if kind in pair:
            return False
        pair[kind] = stream
        if len(pair) == 2:
            del self._pairs[request]
            self._carrying.spawn(self._carry(port, pair), f"forward port {port} of {self._plan.title}")
        return True

    async def serve(self) -> None:
        """Until the idle time-out, or until cancelled because the client has gone."""
        try:
            with contextlib.suppress(TimeoutError):
                async with self._limit:
                    await asyncio.get_running_loop().create_future()
        finally:
            await self._carrying.aclose()

    async def _carry(self, port: int, pair: dict[str, SpdyStream]) -> None:
        data, error = pair["data"], pair["error"]
        try:
            await self._plan.forward(port, ForwardPeer(data, self._limit.touch))
        except OrlopError as problem:
            log.debug("port-forward: %s", problem)
            await error.write(str(problem).encode())
        finally:
            for stream in (data, error):
                await stream.finish()
                stream.close()


class ForwardPeer:
    """The client's end of one connection (aio.duplex.Peer)."""

    def __init__(self, stream: SpdyStream, touch: Callable[[], None]) -> None:
        self._stream = stream
        self._touch = touch

    async def read(self) -> bytes:
        """The client's bytes."""
        data = await self._stream.read()
        self._touch()
        return data

    async def write(self, data: bytes) -> None:
        """Bytes for the client."""
        self._touch()
        await self._stream.write(data)

    async def write_eof(self) -> None:
        """The pod's side has ended."""
        await self._stream.finish()


def parse_port(text: str) -> int | None:
    """None unless it is a port's number in plain digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        return None
    port = int(text)
    return port if 0 < port < 1 << 16 else None


def _implied(kind: str, number: int) -> str:
    """Old clients send no request id: the error stream comes first, and the data stream is the next."""
    return f"stream {number if kind == 'error' else number - 2}"
