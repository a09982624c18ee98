"""Plain data to typed structs, with every wrong name told at once and the nearest valid one beside it.

What a name means is in declaration and config.schema; reading files is the caller's.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec
from msgspec import inspect

from orlop.model.errors import InvalidArgument

T = TypeVar("T")


def convert(data: object, wanted: type[T], *, at: str = "") -> T:
    """Data as `wanted`, or InvalidArgument that names each place (`at` is the place of data itself)."""
    wrong = list(_unknown_names(data, inspect.type_info(wanted), at))
    if wrong:
        raise InvalidArgument("; ".join(wrong))
    try:
        return msgspec.convert(data, wanted)
    except msgspec.ValidationError as error:
        raise InvalidArgument(_in_our_words(str(error), at)) from error


def unknown_name(place: str, name: str, valid: list[str]) -> str:
    """The sentence about a name that is none of `valid`."""
    near = difflib.get_close_matches(name, valid, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"valid here: {', '.join(sorted(valid))}"
    return f"{join(place, name)}: unknown name; {hint}"


def join(place: str, name: str) -> str:
    """`place.name`, or the name alone at the top."""
    return f"{place}.{name}" if place else name


def _unknown_names(data: object, wanted: inspect.Type, at: str) -> Iterator[str]:
    if isinstance(wanted, inspect.UnionType):
        wanted = _chosen(data, wanted)
    if isinstance(wanted, inspect.StructType) and isinstance(data, Mapping):
        fields = {field.encode_name: field.type for field in wanted.fields}
        for name, value in data.items():
            if name in fields:
                yield from _unknown_names(value, fields[name], join(at, name))
            elif name != wanted.tag_field:
                yield unknown_name(at, str(name), list(fields))
    elif isinstance(wanted, inspect.DictType) and isinstance(data, Mapping):
        for name, value in data.items():
            yield from _unknown_names(value, wanted.value_type, join(at, str(name)))


def _chosen(data: object, union: inspect.UnionType) -> inspect.Type:
    """The member of a tagged union that the data's tag names; AnyType where none does, for convert then tells it."""
    if isinstance(data, Mapping):
        for member in union.types:
            if isinstance(member, inspect.StructType) and member.tag_field and data.get(member.tag_field) == member.tag:
                return member
    return inspect.AnyType()


def _in_our_words(message: str, at: str) -> str:
    """msgspec's "Expected `int`, got `str` - at `$.network.mtu`" with the place first."""
    text, _, place = message.partition(" - at `$")
    where = (at + place.rstrip("`")).lstrip(".")
    return f"{where}: {text[0].lower()}{text[1:]}" if where else text
