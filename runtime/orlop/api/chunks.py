"""Long lists as streams of small messages (KEP-5825), and the limit beyond which a list must be streamed.

What is in a list is the verbs' knowledge; here it is only cut.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeVar

import msgspec
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from orlop.api import wire
from orlop.api.convert.pack import packer
from orlop.api.wire import Method
from orlop.model.errors import ResourceExhausted

MAX_BYTES = 1 << 20
"""Of one message, unless a single item is larger: far below any client's limit."""
MAX_ITEMS = 200
"""Of one message."""
TURN = 0.002
"""Seconds of encoding after which other requests get their turn."""

M = TypeVar("M", bound=Message)

STREAMED_BY = {
    "ListPodSandbox": "StreamPodSandboxes",
    "ListContainers": "StreamContainers",
    "ListContainerStats": "StreamContainerStats",
    "ListPodSandboxStats": "StreamPodSandboxStats",
    "ListPodSandboxMetrics": "StreamPodSandboxMetrics",
    "ListImages": "StreamImages",
}
"""The RPC that answers with one message, and the one that answers the same with many."""


async def chunks(values: Iterable[msgspec.Struct], response: type[Message]) -> AsyncIterator[bytes]:
    """Encoded messages of that kind, which hold all values in order in their one field. No values: no message."""
    pieces: list[bytes] = []
    size = 0
    async for piece in _encoded(values, response):
        if pieces and (size + len(piece) > MAX_BYTES or len(pieces) == MAX_ITEMS):
            # Encoded messages, one after the other, are the encoding of one message with all their items.
            yield b"".join(pieces)
            pieces, size = [], 0
        pieces.append(piece)
        size += len(piece)
    if pieces:
        yield b"".join(pieces)


async def whole(values: Iterable[msgspec.Struct], response: type[M]) -> M:
    """All values in one message of that kind; for lists whose items take long to encode."""
    answer = response()
    async for piece in _encoded(values, response):
        answer.MergeFromString(piece)
    return answer


async def _encoded(values: Iterable[msgspec.Struct], response: type[Message]) -> AsyncIterator[bytes]:
    """A message for each value. Other requests get their turn in between."""
    field: Any = response.DESCRIPTOR.fields[0]
    item = GetMessageClass(field.message_type)
    began = time.monotonic()
    for value in values:
        yield response(**{field.name: [packer(type(value), item)(value)]}).SerializeToString()
        if time.monotonic() - began > TURN:
            await asyncio.sleep(0)
            began = time.monotonic()


def fitting(method: Method, answer: Message | bytes) -> Message | bytes:
    """The answer as it is; ResourceExhausted for a list that is larger than clients take, naming the way out."""
    stream = STREAMED_BY.get(method.name)
    if stream is None:
        return answer
    encoded = wire.serialize(answer)
    if len(encoded) > wire.MAX_MESSAGE:
        raise ResourceExhausted(
            f"the list has {len(encoded)} bytes, and clients take {wire.MAX_MESSAGE} in one message: "
            f"ask for it with {stream}, or narrow it with a filter"
        )
    return encoded
