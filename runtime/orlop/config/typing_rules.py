"""Finds every key that the schema does not know and every value of the wrong type, each with its full key.

msgspec could decode the whole tree at once, but it stops at the first error and names no key inside a table of tables.
"""

import difflib
from collections.abc import Iterator
from typing import Any

import msgspec

from orlop.config.errors import Problem
from orlop.config.keys import fields_of, join, table_of, tables_of, tag_of, variants_of
from orlop.config.schema import Section

_ABSOLUTE = "matching regex '^/'"


def problems(tree: dict[str, Any], kind: type[Section]) -> list[Problem]:
    """All of them, in the order of the tree."""
    return list(_table(tree, kind, ""))


def _table(tree: Any, kind: type[Section], prefix: str) -> Iterator[Problem]:
    if not isinstance(tree, dict):
        yield Problem(prefix, f"must be a table, not {_told(tree)}")
        return
    fields = fields_of(kind)
    for name, value in tree.items():
        key, field = join(prefix, name), fields.get(name)
        if field is None:
            if name != tag_of(kind):
                yield Problem(key, _unknown(name, list(fields)))
        elif (inner := table_of(field.type)) is not None:
            yield from _table(value, inner, key)
        elif (inner := tables_of(field.type)) is not None:
            yield from _tables(value, inner, key)
        elif variants := variants_of(field.type):
            yield from _variant(value, variants, key)
        else:
            yield from _value(value, field.type, key)


def _tables(tree: Any, kind: type[Section], key: str) -> Iterator[Problem]:
    if not isinstance(tree, dict):
        yield Problem(key, f"must be a table of tables, not {_told(tree)}")
        return
    for name, table in tree.items():
        yield from _table(table, kind, join(key, name))


def _variant(tree: Any, variants: dict[str, type[Section]], key: str) -> Iterator[Problem]:
    tag = tag_of(next(iter(variants.values()))) or ""
    chosen = tree.get(tag) if isinstance(tree, dict) else None
    if not isinstance(tree, dict):
        yield Problem(key, f"must be a table, not {_told(tree)}")
    elif chosen not in variants:
        yield Problem(join(key, tag), f"must be one of {', '.join(variants)}, not {_told(chosen)}")
    else:
        yield from _table(tree, variants[chosen], key)


def _value(value: Any, kind: Any, key: str) -> Iterator[Problem]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        text = str(error).replace("`", "").removesuffix(" - at $")
        if _ABSOLUTE in text:
            text = "must be an absolute path"
        yield Problem(key, f"{text[0].lower()}{text[1:]}, but it is {_told(value)}")


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
    return f"there is no such key; {hint}"


def _told(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
