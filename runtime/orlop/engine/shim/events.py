"""Our endpoint for shims' events (TTRPC_ADDRESS). Of them only kills for memory are wanted: ends are asked for by Wait.

A shim makes its connection when it is born and keeps the events that it cannot send, so the endpoint is there first.
"""

import asyncio
import logging
import os
import re
from collections.abc import Callable

from google.protobuf.message import DecodeError

from orlop.engine.shim.v1.events_pb2 import ForwardRequest, TaskEvent
from orlop.linux.files import remove_file
from orlop.ttrpc.errors import Code, StatusError
from orlop.ttrpc.link import SocketStream
from orlop.ttrpc.server import Server

log = logging.getLogger(__name__)

FORWARD = "containerd.services.events.ttrpc.v1.Events/Forward"
OOM_TOPIC = "/tasks/oom"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class EventsEndpoint:
    """A socket that root's processes may connect to."""

    def __init__(self, path: str, on_oom: Callable[[str], None]) -> None:
        """on_oom: called with a container's id. Nothing listens yet."""
        self.path = path
        self._on_oom = on_oom
        self._listener: asyncio.Server | None = None
        self._connections: set[Server] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; a socket from the daemon's last life is replaced."""
        remove_file(self.path)
        self._listener = await asyncio.start_unix_server(self._accept, self.path)
        os.chmod(self.path, 0o600)

    async def aclose(self) -> None:
        """Stop listening and end every connection; shims connect anew when they have something to tell."""
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._connections):
            await connection.aclose()
        await asyncio.gather(*self._tasks)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Server(SocketStream(reader, writer), {FORWARD: self._forward})
        self._connections.add(connection)
        task = asyncio.create_task(self._until_closed(connection), name="shim events")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_closed(self, connection: Server) -> None:
        await connection.wait_closed()
        self._connections.discard(connection)
        await connection.aclose()

    async def _forward(self, payload: bytes) -> bytes:
        try:
            envelope = ForwardRequest.FromString(payload).envelope
            container_id = TaskEvent.FromString(envelope.event.value).container_id
        except DecodeError as error:
            raise StatusError(Code.INVALID_ARGUMENT, f"the event cannot be read: {error}") from error
        log.debug("a shim tells %s of container %s", envelope.topic[:200], container_id[:128])
        if envelope.topic == OOM_TOPIC and _ID.fullmatch(container_id):
            self._on_oom(container_id)
        return b""
