"""Looking at a running container through conmon's attach socket: its output from now on, its input, its terminal.

The framing is told in `control.attach_socket`. Many clients may be attached at once; the container does not notice.
"""

import asyncio
import contextlib
import logging
import os
import socket

from orlop.aio.descriptors import Reader, pump, write_all
from orlop.aio.duplex import Client, OutputName
from orlop.engine.monitor.control import resize_terminal
from orlop.model.errors import FailedPrecondition, OrlopError

log = logging.getLogger(__name__)

PACKET = 1 << 14
"""Bytes; conmon sends at most 8 KiB and one."""
INPUT = 1 << 13
"""Bytes that are sent to conmon at once; it takes up to 32 KiB."""

_OUTPUTS: dict[int, OutputName] = {2: "stdout", 3: "stderr"}


async def attach(path: str, bundle: str, client: Client, *, stdin: bool, outputs: frozenset[str], tty: bool) -> None:
    """Serve a client until the container ends. Cancelled, it leaves, and the container goes on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connection, path)
        except OSError as error:
            raise FailedPrecondition("the container's monitor (conmon) is not running") from error
        inputs = []
        async with asyncio.TaskGroup() as group:
            if tty:
                inputs.append(group.create_task(_resize(bundle, client)))
            if stdin:
                inputs.append(group.create_task(_feed(connection, client)))
            await _show(Reader(connection.fileno(), size=PACKET), client, outputs)
            for task in inputs:
                task.cancel()


async def _show(reader: Reader, client: Client, outputs: frozenset[str]) -> None:
    while packet := await reader.read():
        name = _OUTPUTS.get(packet[0])
        if name in outputs and len(packet) > 1:
            await client.write(name, packet[1:])


async def _feed(connection: socket.socket, client: Client) -> None:
    """End of input is told by shutting down our half; conmon closes the container's stdin if it was asked to."""

    async def write(data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the container ends: reading tells
            for at in range(0, len(data), INPUT):
                await write_all(connection.fileno(), data[at : at + INPUT])

    await pump(client.read, write)
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)


async def _resize(bundle: str, client: Client) -> None:
    while size := await client.resized():
        try:
            resize_terminal(bundle, width=size.width, height=size.height)
        except (OrlopError, OSError) as error:
            log.debug("the terminal in %s is not resized: %s", os.path.basename(bundle), error)
