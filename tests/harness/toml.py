"""Writes TOML for the daemon under test; the standard library only reads it."""

import json
from collections.abc import Mapping
from typing import Any


def dump(tables: Mapping[str, Any], prefix: str = "") -> str:
    """A document of nested tables. Values are strings, numbers, booleans and lists of them."""
    plain = {key: value for key, value in tables.items() if not isinstance(value, Mapping)}
    lines = [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in plain.items()]
    for key, value in tables.items():
        if isinstance(value, Mapping):
            name = f"{prefix}{json.dumps(key)}"
            lines += [f"[{name}]", dump(value, f"{name}.")]
    return "\n".join(lines) + "\n"


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid over `base`, table by table."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result
