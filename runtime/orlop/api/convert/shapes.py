"""Pairs each field of a model struct with the message field that it travels in, and says how the two differ.

Pairs are found by name, so the model's field names are the CRI's. A struct field without a message field, or of a type
that cannot carry it, is a TypeError when the converter is built: a mistake of ours, never of a client.
"""

import types
import typing
from enum import IntEnum, StrEnum
from typing import Any

import msgspec
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

# Messages that stand for "a number, or none".
WRAPPERS = {"runtime.v1.Int64Value", "runtime.v1.UInt64Value"}

_SCALARS: dict[int, type] = {
    FieldDescriptor.CPPTYPE_INT32: int,
    FieldDescriptor.CPPTYPE_INT64: int,
    FieldDescriptor.CPPTYPE_UINT32: int,
    FieldDescriptor.CPPTYPE_UINT64: int,
    FieldDescriptor.CPPTYPE_DOUBLE: float,
    FieldDescriptor.CPPTYPE_BOOL: bool,
    FieldDescriptor.CPPTYPE_ENUM: int,
}


class Form(StrEnum):
    """How a field is carried."""

    PLAIN = "plain"
    """The same value on both sides."""
    ENUM = "enum"
    """A number on the wire, an IntEnum here."""
    WRAPPED = "wrapped"
    """Int64Value or UInt64Value on the wire, int or None here."""
    MAP = "map"
    LIST = "list"
    """Repeated scalars; a tuple here."""
    STRUCT = "struct"
    STRUCTS = "structs"
    """Repeated messages; a tuple of structs here."""


class Pair(msgspec.Struct, frozen=True):
    """One field on both sides."""

    attribute: str
    """Name in the struct."""
    name: str
    """Name in the message."""
    form: Form
    kind: Any
    """The struct or enum type of the value or of each item; else the scalar type."""
    message: Any
    """Descriptor of the inner message or messages; None where there is none."""
    default: Any
    """Of the struct's field when the message lacks it; msgspec.NODEFAULT where it must be there."""


def pairs(kind: type[msgspec.Struct], message: type[Message]) -> tuple[Pair, ...]:
    """Every field of the struct with its partner in the message."""
    return tuple(_pair(kind, field, message) for field in msgspec.structs.fields(kind))


def left_out(kind: type[msgspec.Struct], message: type[Message]) -> set[str]:
    """Names of message fields that the struct does not have."""
    return {field.name for field in message.DESCRIPTOR.fields} - {
        field.encode_name for field in msgspec.structs.fields(kind)
    }


def _pair(kind: type[msgspec.Struct], field: msgspec.structs.FieldInfo, message: type[Message]) -> Pair:
    where = f"{kind.__name__}.{field.name}"
    partner: Any = message.DESCRIPTOR.fields_by_name.get(field.encode_name)
    if partner is None:
        raise TypeError(f"{where}: {message.DESCRIPTOR.name} has no field {field.encode_name}")
    inner, optional = _without_none(field.type)
    form, item = _form(inner, optional, partner)
    if form is None:
        raise TypeError(f"{where}: {field.type} cannot carry {message.DESCRIPTOR.name}.{partner.name}")
    default = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    return Pair(field.name, partner.name, form, item, partner.message_type, default)


def _without_none(kind: Any) -> tuple[Any, bool]:
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        rest = [item for item in typing.get_args(kind) if item is not types.NoneType]
        if len(rest) == 1:
            return rest[0], True
    return kind, False


def _form(kind: Any, optional: bool, field: FieldDescriptor) -> tuple[Form | None, Any]:
    """How a struct's type is carried by the message field; None where it cannot be."""
    if _is_map(field):
        return (Form.MAP, str) if kind == dict[str, str] else (None, None)
    if isinstance(field.default_value, list):  # repeated
        item = typing.get_args(kind)[0] if typing.get_origin(kind) is tuple else None
        if field.message_type is not None:
            return (Form.STRUCTS, item) if _is_struct(item) else (None, None)
        return (Form.LIST, item) if item is _scalar(field) else (None, None)
    if field.message_type is None:
        if isinstance(kind, type) and issubclass(kind, IntEnum):
            return (Form.ENUM, kind) if _same_enum(kind, field) and not optional else (None, None)
        return (Form.PLAIN, kind) if kind is _scalar(field) and not optional else (None, None)
    if field.message_type.full_name in WRAPPERS:
        return (Form.WRAPPED, int) if kind is int and optional else (None, None)
    return (Form.STRUCT, kind) if _is_struct(kind) else (None, None)


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _same_enum(kind: type[IntEnum], field: FieldDescriptor) -> bool:
    enum = field.enum_type
    return enum is not None and {item.name: item.value for item in kind} == {v.name: v.number for v in enum.values}


def _scalar(field: FieldDescriptor) -> type:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes
    return _SCALARS.get(field.cpp_type, str)
