"""Writes Nix expressions of plain data. Evaluating them is Nix's own."""

import json
import re
from collections.abc import Mapping, Sequence

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_'-]*")
_WORDS = {"assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"}
_EXPONENT = re.compile(r"^(-?[0-9]+)e")
_ESCAPES = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "$": "\\$"})
_LARGEST = 2**63 - 1


def dumps(value: object, indent: str = "") -> str:
    """The expression, names in the order given. ValueError for what Nix cannot say or would round."""
    if isinstance(value, Mapping):
        return _set(value, indent)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Sequence):
        inner = "".join(f"{indent}  {_element(item, indent + '  ')}\n" for item in value)
        return f"[\n{inner}{indent}]" if value else "[ ]"
    return _plain(value)


def text(value: str) -> str:
    """A string; ValueError for NUL, which Nix has no form for."""
    if "\0" in value:
        raise ValueError(f"Nix has no form for the NUL in {json.dumps(value)}")
    return f'"{value.translate(_ESCAPES)}"'


def _set(value: Mapping[str, object], indent: str) -> str:
    if not value:
        return "{ }"
    lines = [f"{indent}  {_name(name)} = {dumps(item, indent + '  ')};\n" for name, item in value.items()]
    return f"{{\n{''.join(lines)}{indent}}}"


def _element(value: object, indent: str) -> str:
    """In a list a minus would be an operator."""
    written = dumps(value, indent)
    return f"({written})" if written.startswith("-") else written


def _name(name: str) -> str:
    return name if _NAME.fullmatch(name) and name not in _WORDS else text(name)


def _plain(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) <= _LARGEST:
        return str(value)
    # Nix keeps doubles, but prints six digits: what it would round is refused rather than changed.
    if isinstance(value, float) and value - value == 0 and float(f"{value:g}") == value:
        return _EXPONENT.sub(r"\1.0e", repr(value))
    raise ValueError(f"Nix has no form for {value!r}")
