"""One plugin's connection: our calls to it and its calls to us, over one socket."""

import asyncio
from collections.abc import Mapping

from orlop.engine.nri.mux import PLUGIN_SERVICE, RUNTIME_SERVICE, Trunk
from orlop.ttrpc.client import Client
from orlop.ttrpc.link import ByteStream
from orlop.ttrpc.server import Method, Server


class Connection:
    """Serves at once. Made inside of a running loop; close it with aclose."""

    def __init__(self, stream: ByteStream, methods: Mapping[str, Method]) -> None:
        self._trunk = Trunk(stream)
        self.client = Client(self._trunk.channels[PLUGIN_SERVICE])
        self._server = Server(self._trunk.channels[RUNTIME_SERVICE], methods)
        self._reading = asyncio.create_task(self._trunk.run(), name="NRI connection")

    async def wait_closed(self) -> None:
        """Wait for the connection's end, whoever ended it."""
        await asyncio.wait([self._reading])

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._reading.done()

    def close(self) -> None:
        """Let go of the connection at once; calls that wait end. aclose is still to be awaited."""
        self._trunk.close()

    async def aclose(self) -> None:
        """Close the connection, and await the ends of all that served it."""
        self._trunk.close()
        await self.client.aclose()
        await self._server.aclose()
        self._reading.cancel()
        await asyncio.wait([self._reading])
