"""A CRI client for tests: any RPC by its name, fields as keywords, nested messages as dictionaries.

    cri = Cri("/run/orlop/orlop.sock")
    cri("ListContainers", filter={"id": "abc"}).containers

It knows nothing of orlop's services, so it can talk to any CRI runtime.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from orlop.api.wire import METHODS, Method
from tests.harness.foreign import FOREIGN, excuse

CALL_TIMEOUT = 120.0
"""Longer than any call may take; a hanging daemon then fails a test instead of stopping the run."""


class Cri:
    """A connection to a CRI socket."""

    def __init__(self, socket: str, methods: Mapping[str, Method] = METHODS) -> None:
        """`methods`: the protocol as another version knows it (tests.harness.minors)."""
        self.socket = socket
        self.methods = methods
        self._channel: grpc.Channel | None = None

    def __call__(self, rpc: str, *, deadline: float = CALL_TIMEOUT, **fields: Any) -> Any:
        """Call a unary RPC; it must answer within `deadline` seconds. Raises grpc.RpcError."""
        try:
            return self.future(rpc, deadline=deadline, **fields).result()
        except grpc.RpcError as error:
            _skip_if_excused(rpc, error)
            raise

    def future(self, rpc: str, *, deadline: float = CALL_TIMEOUT, **fields: Any) -> Any:
        """Begin a unary RPC; the answer is the future's result, and its cancel() is a client that goes away."""
        method = self.methods[rpc]
        call = self._connected().unary_unary(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        return call.future(method.request(**fields), timeout=deadline, wait_for_ready=True)

    def stream(self, rpc: str, *, deadline: float = CALL_TIMEOUT, **fields: Any) -> Any:
        """Begin a streaming RPC: an iterator over its messages, with cancel() for a client that goes away."""
        method = self.methods[rpc]
        call = self._connected().unary_stream(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        answers = call(method.request(**fields), timeout=deadline, wait_for_ready=True)
        return _Excused(rpc, answers) if FOREIGN else answers

    def close(self) -> None:
        """Close the connection; the next call opens another. A channel would wait a second after a daemon's restart."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _connected(self) -> grpc.Channel:
        if self._channel is None:
            options = [("grpc.max_receive_message_length", 64 << 20), ("grpc.default_authority", "localhost")]
            self._channel = grpc.insecure_channel(f"unix:{self.socket}", options=options)
        return self._channel


class _Excused:
    """Another runtime's stream: one that it does not have skips the test that reads it."""

    def __init__(self, rpc: str, call: Any) -> None:
        self._rpc, self._call = rpc, call
        self.cancel = call.cancel

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._call
        except grpc.RpcError as error:
            _skip_if_excused(self._rpc, error)
            raise


def _skip_if_excused(rpc: str, error: grpc.RpcError) -> None:
    if FOREIGN and (why := excuse(rpc, error.code().name, str(error.details()))):
        pytest.skip(why)


@contextmanager
def refused(code: str, *words: str) -> Iterator[None]:
    """The call inside must fail with this gRPC code, and its message must hold each of the words.

    The CRI names neither codes nor words, so another runtime must refuse, in its own way.
    """
    with pytest.raises(grpc.RpcError) as caught:
        yield
    if FOREIGN:
        return
    got, message = caught.value.code().name, str(caught.value.details())
    assert got == code, f"{got}: {message}"
    for word in words:
        assert word in message, f"{word!r} is not in the message: {message}"
