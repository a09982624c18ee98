"""A client of any CRI socket: one method per RPC, built from the descriptors. For verification, status and tests."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

from orlop.api import wire


class CriClient:
    """`await client.call("Version")`. Errors are grpc.aio.AioRpcError."""

    def __init__(self, path: str) -> None:
        options = [
            ("grpc.max_receive_message_length", wire.MAX_MESSAGE),
            ("grpc.max_send_message_length", wire.MAX_MESSAGE),
        ]
        self._channel = grpc.aio.insecure_channel(f"unix:{path.removeprefix('unix://')}", options=options)
        self._stubs: dict[str, Callable[..., Any]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def call(self, rpc: str, request: Any = None, *, timeout: float | None = 30.0, wait: bool = False) -> Any:
        """The answer of a unary RPC, by its name; without a request an empty one is sent.

        With `wait` a server that does not listen yet is waited for, until the timeout.
        """
        message = wire.METHODS[rpc].request() if request is None else request
        return await self._stub(rpc)(message, timeout=timeout, wait_for_ready=wait)

    def stream(self, rpc: str, request: Any = None) -> Any:
        """The answers of a streaming RPC, as an async iterator."""
        method = wire.METHODS[rpc]
        return self._stub(rpc)(method.request() if request is None else request)

    def _stub(self, rpc: str) -> Callable[..., Any]:
        stub = self._stubs.get(rpc)
        if stub is None:
            method = wire.METHODS[rpc]
            make = self._channel.unary_stream if method.streams else self._channel.unary_unary
            serializer, parser = wire.serialize, wire.parser(method.response)
            stub = make(method.path, request_serializer=serializer, response_deserializer=parser)
            self._stubs[rpc] = stub
        return stub
