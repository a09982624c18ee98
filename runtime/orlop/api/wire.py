"""The CRI's services as the descriptors of v1/*.proto tell them: one Method per RPC, with its message classes.

Server (handlers) and client (stubs) are both built from METHODS; there is no generated gRPC code.
"""

from typing import Any

import msgspec
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from orlop.api.v1 import cri_pb2

MAX_MESSAGE = 16 << 20
"""Bytes of a request, and of a list in answer: the kubelet's own limit."""


class Method(msgspec.Struct, frozen=True):
    """One RPC."""

    service: str
    """Full name, "runtime.v1.RuntimeService"."""
    name: str
    request: type[Message]
    response: type[Message]
    streams: bool
    """The server answers with any number of messages."""

    @property
    def path(self) -> str:
        """As HTTP/2 names it."""
        return f"/{self.service}/{self.name}"


def serialize(message: Message | bytes) -> bytes:
    """The message's bytes. Takes encoded messages too, so that a handler may answer with bytes it kept."""
    return message if isinstance(message, bytes) else message.SerializeToString()


def parser(kind: type[Message]) -> Any:
    """The function that makes a message of this kind of bytes."""
    return kind.FromString


def _method(service: str, method: MethodDescriptor) -> Method:
    return Method(
        service=service,
        name=method.name,
        request=GetMessageClass(method.input_type),
        response=GetMessageClass(method.output_type),
        streams=bool(method.server_streaming),
    )


# RPC names are unique over both services, as a test holds.
METHODS: dict[str, Method] = {
    method.name: _method(service.full_name, method)
    for service in cri_pb2.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
"""By name, without the service."""
