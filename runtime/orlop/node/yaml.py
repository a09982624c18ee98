"""Writes YAML: the same data gives the same bytes, whatever library or version is installed. Reading it is PyYAML's."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

# What YAML 1.1 or 1.2 may take for something else than text is always quoted.
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")
_TAKEN = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}
# Control characters, and those that YAML takes for ends of lines or for none of its characters.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_EXPONENT = re.compile(r"^(-?[0-9]+)e")


def dumps(*documents: Mapping[str, Any]) -> str:
    """The documents in block style, names in the order given."""
    return "---\n".join("\n".join(_block(document, "")) + "\n" for document in documents)


def scalar(value: object) -> str:
    """A plain value on one line. TypeError for what has no form in YAML's JSON schema."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value - value == 0:
        # YAML 1.1 knows no exponent without a point before it.
        return _EXPONENT.sub(r"\1.0e", repr(value))
    raise TypeError(f"YAML has no form for {value!r}")


def _block(value: object, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _entry(f"{indent}{scalar(name)}:", item, indent)
    elif _is_list(value) and value:
        for item in value:
            yield from _item(item, indent)
    else:
        yield indent + _inline(value)


def _entry(start: str, value: object, indent: str) -> Iterator[str]:
    if (isinstance(value, Mapping) or _is_list(value)) and value:
        yield start
        yield from _block(value, indent + "  ")
    else:
        yield f"{start} {_inline(value)}"


def _item(value: object, indent: str) -> Iterator[str]:
    """An element of a list: its first line stands beside the dash."""
    lines = list(_block(value, indent + "  "))
    yield f"{indent}- {lines[0].lstrip(' ')}"
    yield from lines[1:]


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        return "{}"
    return "[]" if _is_list(value) else scalar(value)


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _TAKEN:
        return text
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
