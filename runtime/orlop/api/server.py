"""The gRPC server on its unix socket. What it answers is in servicers; when it starts and stops is the daemon's."""

import contextlib
import os
from collections.abc import Mapping
from typing import Any

import grpc
import grpc.aio

from orlop.api.answering import Answered, nobody
from orlop.api.gate import Gate
from orlop.api.handling import generic_handlers
from orlop.api.sockets import claim
from orlop.api.wire import MAX_MESSAGE
from orlop.model.errors import FailedPrecondition

MAX_ANSWER = 36 << 20
"""Bytes. Room for the two capped streams of an ExecSync; lists this long are for the streaming RPCs."""
SOCKET_MODE = 0o660


class CriServer:
    """Serves the CRI for a deck, with the verbs of a table."""

    def __init__(
        self,
        path: str,
        verbs: Mapping[str, Any],
        deck: object,
        gate: Gate,
        *,
        answered: Answered = nobody,
        max_message: int = MAX_MESSAGE,
    ) -> None:
        self.path = path
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", max_message),
                ("grpc.max_send_message_length", max(max_message, MAX_ANSWER)),
                ("grpc.so_reuseport", 0),
            ]
        )
        self._server.add_generic_rpc_handlers(tuple(generic_handlers(verbs, deck, gate, answered)))

    async def start(self) -> None:
        """Listen. A socket that nobody serves any more is replaced; a served one raises AlreadyExists."""
        claim(self.path)
        os.makedirs(os.path.dirname(self.path), mode=0o711, exist_ok=True)
        # Bound with the right mode from the first moment: who may connect may start privileged containers.
        before = os.umask(0o777 & ~SOCKET_MODE)
        try:
            self._server.add_insecure_port(f"unix:{self.path}")
        except RuntimeError as error:
            raise FailedPrecondition(f"cannot listen on {self.path}: {error}") from error
        finally:
            os.umask(before)
        await self._server.start()

    async def stop(self, grace: float = 1.0) -> None:
        """Refuse new requests, give those that are being answered some seconds, and close the socket."""
        await self._server.stop(grace)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
