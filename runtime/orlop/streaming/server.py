"""The streaming server: admits plans, listens from the first one on, and ends every session at the daemon's end."""

import asyncio
import ipaddress
import logging
from typing import TYPE_CHECKING

from orlop.aio.tasks import Background
from orlop.model.errors import Unavailable
from orlop.services.streams import Plan
from orlop.streaming.door import Door
from orlop.streaming.tokens import Tokens

if TYPE_CHECKING:
    from aiohttp import web

log = logging.getLogger(__name__)


class StreamingServer:
    """Serves exec, attach and port-forward (services.streams.StreamServer)."""

    def __init__(self, address: str, port: int, *, idle_timeout: float) -> None:
        self.tokens = Tokens()
        self.sessions = Background()
        self.idle_timeout = idle_timeout
        self.doors: set[Door] = set()
        self._address = ipaddress.ip_address(address)
        self._port = port
        self._server: asyncio.Server | None = None
        self._starting = asyncio.Lock()
        self._web: web.Server | None = None

    async def admit(self, plan: Plan) -> str:
        """A URL for a minute and one use. Raises Unavailable when the address cannot be listened on."""
        port = await self._listening_port()
        return f"http://{self._host(port)}/{plan.verb}/{self.tokens.add(plan)}"

    async def close(self) -> None:
        """Stop listening; every session is cancelled, and its end awaited."""
        if self._server is not None:
            self._server.close()
        await self.sessions.aclose()
        if self._web is not None:
            await self._web.shutdown(1.0)
        for door in list(self.doors):
            door.abort()

    def web_protocol(self) -> asyncio.Protocol:
        """A connection of the WebSocket server."""
        if self._web is None:
            # 0.2 s and some MiB that a node whose clients all speak SPDY never pays.
            from orlop.streaming.websocket import make_server

            self._web = make_server(self)
        return self._web()

    async def _listening_port(self) -> int:
        async with self._starting:
            if self._server is None:
                try:
                    self._server = await asyncio.get_running_loop().create_server(
                        lambda: Door(self), str(self._address), self._port
                    )
                except OSError as error:
                    raise Unavailable(
                        f"the streaming server cannot listen on {self._host(self._port)}: {error.strerror}; "
                        "see streaming.address and streaming.port in the configuration"
                    ) from error
                log.info("streams are served on %s", self._host(self._server.sockets[0].getsockname()[1]))
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def _host(self, port: int) -> str:
        """How the client, on this machine, reaches us."""
        address = self._address
        if address.is_unspecified:
            address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
        return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
