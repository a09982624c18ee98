"""Lists of records, answered from messages that are kept encoded: each is encoded again when its record changes."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from orlop.api.convert.pack import pack
from orlop.engine.state.table import Entry

E = TypeVar("E", bound=Entry[Any, Any])


def listed(entries: Iterable[E], view: Callable[[E], msgspec.Struct], response: type[Message]) -> bytes:
    """An encoded message of that kind, which holds a view of each entry in its one field."""
    field: Any = response.DESCRIPTOR.fields[0]
    item = GetMessageClass(field.message_type)
    pieces = []
    for entry in entries:
        if not entry.listed:
            entry.listed = response(**{field.name: [pack(view(entry), item)]}).SerializeToString()
        pieces.append(entry.listed)
    # Encoded messages, one after the other, are the encoding of one message with all their items.
    return b"".join(pieces)
