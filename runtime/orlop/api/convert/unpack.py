"""Protobuf messages to model structs. Untrusted input: an unknown enum number is told with the path of its field.

A converter is built once per pair of types. It reads all plain fields with one call in C and takes only the others one
by one.
"""

from collections.abc import Callable
from enum import IntEnum
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from orlop.api.convert.shapes import Form, Pair, pairs
from orlop.model.errors import InvalidArgument

S = TypeVar("S", bound=msgspec.Struct)
Step = Callable[[Message], Any]


class _BadField(Exception):
    """A value that the model cannot hold; the path grows on the way up."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def below(self, name: str) -> "_BadField":
        """The same, seen from the message that holds `name`."""
        return _BadField(f"{name}.{self.path}", self.problem)


def unpack(message: Message, kind: type[S], where: str = "") -> S:
    """The message as a struct of that kind. Raises InvalidArgument with a bad field's path, beginning with `where`."""
    try:
        return unpacker(kind, type(message))(message)
    except _BadField as error:
        path = f"{where}.{error.path}" if where else error.path
        raise InvalidArgument(f"{path} {error.problem}") from error


def unpack_field(request: Message, name: str, kind: type[S]) -> S | None:
    """A sub-message as a struct, or None where the request does not have it."""
    return unpack(getattr(request, name), kind, name) if request.HasField(name) else None


def unpack_required(request: Message, name: str, kind: type[S]) -> S:
    """A sub-message as a struct; InvalidArgument where the request does not have it."""
    if not request.HasField(name):
        raise InvalidArgument(f"{name} is missing")
    return unpack(getattr(request, name), kind, name)


_BUILT: dict[tuple[type, type], Callable[[Message], Any]] = {}


def unpacker(kind: type[S], message: type[Message]) -> Callable[[Message], S]:
    """The converter of one pair of types, built at first use. What it raises is not for clients: use unpack."""
    found = _BUILT.get((kind, message))
    if found is None:
        found = _BUILT[kind, message] = _build(kind, message)
    return found


def _build(kind: type[S], message: type[Message]) -> Callable[[Message], S]:
    fields = pairs(kind, message)
    plain = [pair for pair in fields if pair.form is Form.PLAIN]
    names = tuple(pair.attribute for pair in plain)
    read = _reader([pair.name for pair in plain])
    steps = tuple((pair.attribute, _step(pair)) for pair in fields if pair.form is not Form.PLAIN)

    def convert(source: Message) -> S:
        values = dict(zip(names, read(source), strict=True))
        for attribute, step in steps:
            values[attribute] = step(source)
        return kind(**values)

    return convert


def _reader(names: list[str]) -> Callable[[Message], tuple[Any, ...]]:
    if not names:
        return lambda _: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda source: (get(source),)


def _step(pair: Pair) -> Step:
    """Reads one field that needs more than its plain value."""
    get = attrgetter(pair.name)
    match pair.form:
        case Form.MAP:
            return lambda source: dict(get(source))
        case Form.LIST:
            return lambda source: tuple(get(source))
        case Form.WRAPPED:
            return _wrapped(pair.name, get)
        case Form.ENUM:
            return _enum(pair.name, get, pair.kind)
        case Form.STRUCTS:
            return _structs(pair, get)
        case _:
            return _struct(pair, get)


def _wrapped(name: str, get: Step) -> Step:
    return lambda source: get(source).value if source.HasField(name) else None


def _enum(name: str, get: Step, kind: type[IntEnum]) -> Step:
    members = {int(member): member for member in kind}

    def convert(source: Message) -> IntEnum:
        number = get(source)
        try:
            return members[number]
        except KeyError:
            known = ", ".join(f"{member.name} {member.value}" for member in kind)
            raise _BadField(name, f"is {number}, which is no {kind.__name__} (known: {known})") from None

    return convert


def _struct(pair: Pair, get: Step) -> Step:
    name, default = pair.name, pair.default
    inner = unpacker(pair.kind, GetMessageClass(pair.message))

    def convert(source: Message) -> Any:
        if not source.HasField(name):
            if default is msgspec.NODEFAULT:
                raise _BadField(name, "is missing")
            return default
        try:
            return inner(get(source))
        except _BadField as error:
            raise error.below(name) from None

    return convert


def _structs(pair: Pair, get: Step) -> Step:
    name = pair.name
    inner = unpacker(pair.kind, GetMessageClass(pair.message))

    def convert(source: Message) -> tuple[Any, ...]:
        made: list[Any] = []
        try:
            for item in get(source):
                made.append(inner(item))
        except _BadField as error:
            raise error.below(f"{name}[{len(made)}]") from None
        return tuple(made)

    return convert
