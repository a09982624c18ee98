"""Model structs to protobuf messages. What the model holds is ours: a value that does not fit is a bug and raises.

A struct becomes a tree of keyword arguments first, and the tree one message by one call of the message's constructor:
that is three times as fast as making and copying the inner messages one by one.
"""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from orlop.api.convert.shapes import Form, Pair, pairs

M = TypeVar("M", bound=Message)
Tree = dict[str, Any]
"""A message's constructor arguments, inner messages as trees too."""


def pack(value: msgspec.Struct, message: type[M]) -> M:
    """The struct as a message of that kind. None fields are left out; a sub-struct is always sent, even when empty."""
    return message(**packer(type(value), message)(value))


def pack_all(values: Iterable[msgspec.Struct], message: type[Message]) -> list[Tree]:
    """Each struct as the tree of such a message, for a repeated field of an outer message's constructor."""
    return [packer(type(value), message)(value) for value in values]


_BUILT: dict[tuple[type, type], Callable[[msgspec.Struct], Tree]] = {}


def packer(kind: type[msgspec.Struct], message: type[Message]) -> Callable[[msgspec.Struct], Tree]:
    """The converter of one pair of types, built at first use."""
    found = _BUILT.get((kind, message))
    if found is None:
        found = _BUILT[kind, message] = _build(kind, message)
    return found


def _build(kind: type[msgspec.Struct], message: type[Message]) -> Callable[[msgspec.Struct], Tree]:
    fields = pairs(kind, message)
    names = tuple(pair.name for pair in fields)
    read = _reader([pair.attribute for pair in fields])
    steps = tuple((pair.name, _step(pair)) for pair in fields if pair.form in (Form.WRAPPED, Form.STRUCT, Form.STRUCTS))

    def convert(value: msgspec.Struct) -> Tree:
        tree = dict(zip(names, read(value), strict=True))
        for name, step in steps:
            inner = tree[name]
            # The message's constructor takes None as "not given".
            if inner is not None:
                tree[name] = step(inner)
        return tree

    return convert


def _reader(attributes: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    get = attrgetter(*attributes)
    return get if len(attributes) > 1 else lambda value: (get(value),)


def _step(pair: Pair) -> Callable[[Any], Any]:
    if pair.form is Form.WRAPPED:
        return lambda value: {"value": value}
    convert = packer(pair.kind, GetMessageClass(pair.message))
    if pair.form is Form.STRUCT:
        return convert
    return lambda values: [convert(value) for value in values]
