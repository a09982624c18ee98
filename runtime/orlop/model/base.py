"""The base of every model value: immutable, keyword-only, JSON by msgspec. No I/O and no behaviour beyond the data."""

from typing import TypeVar, dataclass_transform

import msgspec


# msgspec inherits frozen and kw_only at run time; type checkers must be told.
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An immutable record. Field names are the CRI's own, so that one generic pair of functions converts the wire."""


V = TypeVar("V", bound=Value)


def to_json(value: Value) -> bytes:
    """Encode a value for a state file; defaults are left out."""
    return msgspec.json.encode(value)


def from_json(data: bytes | str, kind: type[V]) -> V:
    """Decode a value from a state file. Raises msgspec.ValidationError naming the path of the bad field."""
    return msgspec.json.decode(data, type=kind)
