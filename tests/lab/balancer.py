"""One address for several API servers: each connection is given to the first server that takes it.

In production this is a load balancer or an address that moves. `python -m tests.lab.balancer LISTEN:PORT BACK:PORT…`
"""

import asyncio
import contextlib
import itertools
import sys
from collections.abc import Iterator, Sequence

CONNECT_SECONDS = 2.0
"""How long a server may take to accept; one that is down refuses at once, a machine that is gone says nothing."""
CHUNK = 65536


class Balancer:
    """Connections go round the servers; those that take none are passed over."""

    def __init__(self, servers: Sequence[str]) -> None:
        """`servers`: each as host:port."""
        self._servers = [(host, int(port)) for host, _, port in (server.rpartition(":") for server in servers)]
        self._turn = itertools.count()

    async def start(self, host: str, port: int) -> asyncio.Server:
        """Listen; the caller serves and closes it."""
        return await asyncio.start_server(self._serve, host, port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            back = await self._connect()
            if back is not None:
                # Whoever ends first ends both: a half-closed connection of TLS is of no use.
                ways = [asyncio.create_task(_pass(reader, back[1])), asyncio.create_task(_pass(back[0], writer))]
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                back[1].close()
        writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for host, port in self._in_turn():
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(host, port)
        return None

    def _in_turn(self) -> Iterator[tuple[str, int]]:
        first = next(self._turn) % len(self._servers)
        yield from self._servers[first:] + self._servers[:first]


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()


async def _main(listen: str, servers: Sequence[str]) -> None:
    host, _, port = listen.rpartition(":")
    async with await Balancer(servers).start(host, int(port)) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2:]))
