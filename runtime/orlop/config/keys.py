"""Dotted keys of TOML and the fields of the schema they lead to."""

import re
import typing
from collections.abc import Iterator
from typing import Any

import msgspec

from orlop.config.schema import Section

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def quoted(part: str) -> str:
    """One part of a key, in quotes where TOML needs them."""
    return part if _BARE.fullmatch(part) else msgspec.json.encode(part).decode()


def join(prefix: str, part: str) -> str:
    """The key of `part` in the table `prefix`."""
    return f"{prefix}.{quoted(part)}" if prefix else quoted(part)


def fields_of(kind: type[Section]) -> dict[str, msgspec.structs.FieldInfo]:
    """A table's keys."""
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def table_of(kind: Any) -> type[Section] | None:
    """The type itself where it is a table, else None."""
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def tables_of(kind: Any) -> type[Section] | None:
    """The type of the tables in a table of tables such as [handlers.*], else None."""
    if typing.get_origin(kind) is dict:
        return table_of(typing.get_args(kind)[1])
    return None


def variants_of(kind: Any) -> dict[str, type[Section]]:
    """The members of a union of tables by their tag; empty for any other type."""
    members = [table_of(member) for member in typing.get_args(kind)]
    return {str(member.__struct_config__.tag): member for member in members if member is not None}


def tag_of(kind: type[Section]) -> str | None:
    """The key by which a table says which member of a union it is."""
    return kind.__struct_config__.tag_field


def leaves(section: Section, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each dotted key with its value; tables are walked through."""
    for name, field in fields_of(type(section)).items():
        key, value = join(prefix, name), getattr(section, field.name)
        if isinstance(value, Section):
            yield from leaves(value, key)
        elif tables_of(field.type) is not None:
            for inner, table in value.items():
                yield from leaves(table, join(key, inner))
        else:
            yield key, value
