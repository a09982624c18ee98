"""Connections to ports inside a pod: the socket is made in the pod's network namespace, the rest happens out here."""

import asyncio
import contextlib
import socket

from orlop.aio.descriptors import Reader, pump, write_all
from orlop.aio.duplex import Peer
from orlop.aio.threads import in_own_thread
from orlop.linux.namespaces import run_in_netns
from orlop.model.errors import Unavailable

CONNECT_LIMIT = 30.0
"""Seconds; on loopback either somebody listens or nobody does."""

_LOOPBACKS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


async def forward(netns: str, port: int, peer: Peer) -> None:
    """Carry one connection to the pod's loopback, IPv4 first, until both directions have ended.

    netns is empty for pods in the node's network. Raises Unavailable where nobody listens.
    """
    with await _connect(netns, port) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.TaskGroup() as group:
            group.create_task(_into(connection, peer))
            group.create_task(_out_of(connection, peer))


async def _into(connection: socket.socket, peer: Peer) -> None:
    is_open = True

    async def write(data: bytes) -> None:
        nonlocal is_open
        if is_open:
            try:
                await write_all(connection.fileno(), data)
            except OSError:
                is_open = False  # the pod's side has gone: what still comes is thrown away

    await pump(peer.read, write)
    with contextlib.suppress(OSError):  # not connected any more
        connection.shutdown(socket.SHUT_WR)


async def _out_of(connection: socket.socket, peer: Peer) -> None:
    await pump(Reader(connection.fileno()).read, peer.write)
    await peer.write_eof()


async def _connect(netns: str, port: int) -> socket.socket:
    problems = []
    for family, address in _LOOPBACKS:
        try:
            connection = await _socket_in(netns, family)
        except OSError as error:
            problems.append(f"{address}: {error.strerror}")
            continue
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                await asyncio.get_running_loop().sock_connect(connection, (address, port))
            return connection
        except OSError as error:
            connection.close()
            problems.append(f"{address}: {error.strerror or 'no answer'}")
        except BaseException:
            connection.close()
            raise
    raise Unavailable(f"nobody answers on port {port} ({'; '.join(problems)})")


async def _socket_in(netns: str, family: socket.AddressFamily) -> socket.socket:
    def make() -> socket.socket:
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.setblocking(False)
        return connection

    # A socket belongs to the namespace of the thread that makes it, whoever connects it.
    return await in_own_thread(run_in_netns, netns, make) if netns else make()
