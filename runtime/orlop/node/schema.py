"""The declaration's JSON schema, with what each field means taken from the docstring beneath it in the source."""

import ast
import inspect
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec

from orlop.config import schema as config_schema
from orlop.node import declaration
from orlop.node.declaration import OWN_PLACE, Declaration


def json_schema() -> dict[str, Any]:
    """JSON schema of a declaration; `daemon` takes the daemon's whole configuration, each name optional."""
    (top, config), definitions = msgspec.json.schema_components(
        [Declaration, config_schema.Config], ref_template="#/$defs/{name}"
    )
    for name, definition in definitions.items():
        _describe(name, definition)
    daemon = definitions.pop("Config")
    for name in OWN_PLACE:
        daemon["properties"].pop(name)
    definitions["Config"] = daemon
    definitions["Declaration"]["properties"]["daemon"].update({"$ref": config["$ref"]})
    definitions["Declaration"]["properties"]["daemon"].pop("type", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": definitions}


def _describe(name: str, definition: dict[str, Any]) -> None:
    for module in (declaration, config_schema):
        for field, meaning in field_docs(module.__name__).get(name, {}).items():
            if field in definition.get("properties", {}):
                definition["properties"][field]["description"] = meaning


@cache
def field_docs(module: str) -> dict[str, dict[str, str]]:
    """Class → field → the docstring that stands right beneath it."""
    source = inspect.getsource(__import__(module, fromlist=["_"]))
    docs: dict[str, dict[str, str]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            docs[node.name] = dict(_pairs(node.body))
    return docs


def _pairs(body: list[ast.stmt]) -> list[tuple[str, str]]:
    return [
        (field.target.id, inspect.cleandoc(str(text.value.value)))
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    ]
