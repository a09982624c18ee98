"""The streaming server: admits plans, listens from the first one on, and ends every session at the daemon's end.

A new certificate (`tls`) is taken up by listening anew on the same socket: no client finds nobody there, and
connections that are open keep theirs.
"""

import asyncio
import ipaddress
import logging
import socket
import ssl
from typing import TYPE_CHECKING

from orlop.aio.tasks import Background
from orlop.model.errors import Unavailable
from orlop.services.streams import Plan
from orlop.streaming.door import HEAD_LIMIT, Door
from orlop.streaming.tls import TlsContexts
from orlop.streaming.tokens import Tokens

if TYPE_CHECKING:
    from aiohttp import web

log = logging.getLogger(__name__)


class StreamingServer:
    """Serves exec, attach and port-forward (services.streams.StreamServer)."""

    def __init__(self, address: str, port: int, *, idle_timeout: float, tls: TlsContexts | None = None) -> None:
        self.tokens = Tokens()
        self.sessions = Background()
        self.idle_timeout = idle_timeout
        self.doors: set[Door] = set()
        self._address = ipaddress.ip_address(address)
        self._port = port
        self._tls = tls
        self._context: ssl.SSLContext | None = None
        self._server: asyncio.Server | None = None
        self._starting = asyncio.Lock()
        self._web: web.Server | None = None

    async def admit(self, plan: Plan) -> str:
        """A URL for a minute and one use.

        Raises Unavailable when the address cannot be listened on, or when there never was a usable certificate.
        """
        port = await self._listening_port()
        return f"{'https' if self._tls else 'http'}://{self._host(port)}/{plan.verb}/{self.tokens.add(plan)}"

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
            context = self._tls.current() if self._tls else None
            if self._server is None:
                try:
                    self._server = await self._listen(context)
                except OSError as error:
                    raise Unavailable(
                        f"the streaming server cannot listen on {self._host(self._port)}: {error.strerror}; "
                        "see streaming.address and streaming.port in the configuration"
                    ) from error
                log.info("streams are served on %s", self._host(self._server.sockets[0].getsockname()[1]))
            elif context is not self._context:
                old, self._server = self._server, await self._listen(context, self._server.sockets[0].dup())
                old.close()
            self._context = context
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _listen(self, context: ssl.SSLContext | None, there: socket.socket | None = None) -> asyncio.Server:
        """Listen on a socket that is there already, or on the configured address."""
        loop, limit = asyncio.get_running_loop(), HEAD_LIMIT if context else None
        if there is not None:
            return await loop.create_server(lambda: Door(self), sock=there, ssl=context, ssl_handshake_timeout=limit)
        address = str(self._address)
        return await loop.create_server(
            lambda: Door(self), address, self._port, ssl=context, ssl_handshake_timeout=limit
        )

    def _host(self, port: int) -> str:
        """How the client, on this machine, reaches us."""
        address = self._address
        if address.is_unspecified:
            address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
        return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
