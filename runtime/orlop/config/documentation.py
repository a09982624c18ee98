"""The schema as text: a commented default file, and a JSON schema. Meanings are the docstrings beneath the fields."""

import ast
import functools
import inspect
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import msgspec

from orlop.config import schema
from orlop.config.keys import fields_of, join, table_of, tables_of
from orlop.config.schema import Config, Section

WIDTH = 100


@functools.cache
def docs(module: ModuleType = schema) -> dict[tuple[str, str], str]:
    """Docstring of each (class, field) of a module; of each class itself under the empty field."""
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef):
            found[node.name, ""] = ast.get_docstring(node) or ""
            found |= {(node.name, name): text for name, text in _fields(node)}
    return found


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """A field, and the string constant that stands right beneath it."""
    for field, below in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            text = ""
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                text = " ".join(str(below.value.value).split())
            yield field.target.id, text


def default_toml() -> str:
    """A file that sets nothing: every key is there with its meaning and its default, commented out."""
    lines = [
        "# orlop's configuration. Every value here is the default: remove a key's # and change it.",
        "# Files in conf.d beside this one are read after it, in name order, and win key by key.",
    ]
    return "\n".join([*lines, *_table(Config(), ""), ""])


def _table(section: Section, prefix: str) -> Iterator[str]:
    """The plain keys first: in TOML what follows a table's header belongs to that table."""
    tables: list[str] = []
    for name, field in fields_of(type(section)).items():
        text, key, value = docs()[type(section).__name__, field.name], join(prefix, name), getattr(section, field.name)
        if isinstance(value, Section):
            tables += _header(docs()[type(value).__name__, ""], f"[{key}]")
            tables += _table(value, key)
        elif (inner := tables_of(field.type)) is not None:
            tables += _named_tables(inner, value, key, text)
        else:
            yield from ["", *_comment(text), f"#{name} = {toml(value)}"]
    yield from tables


def _named_tables(kind: type[Section], values: dict[str, Section], key: str, text: str) -> Iterator[str]:
    yield from ["", *_comment(f"{docs()[kind.__name__, '']} {text}")]
    if not values:
        yield f'#[{key}."registry.example.com:5000"]' if key == "registries" else f"#[{key}.name]"
        yield from _table(kind(), key)
    for name, value in values.items():
        yield f"[{join(key, name)}]"
        yield from _table(value, key)


def _header(text: str, header: str) -> list[str]:
    return ["", *_comment(text), header]


def _comment(text: str) -> Iterator[str]:
    yield from (f"# {line}" for line in textwrap.wrap(text, WIDTH))


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{join('', name)} = {toml(item)}" for name, item in value.items()) + "}"
    return msgspec.json.encode(value).decode()


def json_schema() -> dict[str, Any]:
    """JSON schema of the whole file, each key with its meaning."""
    found = msgspec.json.schema(Config)
    for name, definition in found["$defs"].items():
        kind = table_of(getattr(schema, name))
        assert kind is not None, name
        definition["description"] = docs()[name, ""]
        for key, field in fields_of(kind).items():
            if text := docs()[name, field.name]:
                definition["properties"][key]["description"] = text
    return found
