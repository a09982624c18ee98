"""The default file and the JSON schema, against the schema they are made of."""

import re
import tomllib

import msgspec
import pytest

from orlop.config import schema
from orlop.config.documentation import default_toml, docs, json_schema, toml
from orlop.config.keys import fields_of, table_of, tables_of
from orlop.config.schema import Config, Section


def sections() -> list[type[Section]]:
    """Every table of the schema."""
    return [kind for kind in vars(schema).values() if table_of(kind) and kind is not Section]


@pytest.mark.parametrize("kind", sections(), ids=lambda kind: kind.__name__)
def test_every_table_and_key_is_explained(kind: type[Section]) -> None:
    assert docs()[kind.__name__, ""]
    for field in fields_of(kind).values():
        # A table explains itself in its class.
        assert docs()[kind.__name__, field.name] or table_of(field.type), f"{kind.__name__}.{field.name}"


def test_the_default_file_changes_nothing() -> None:
    assert msgspec.convert(tomllib.loads(default_toml()), Config) == Config()


def test_the_default_file_without_its_hash_marks_is_the_default() -> None:
    values = re.sub(r"^#(?=[\w\[])", "", default_toml(), flags=re.MULTILINE)
    tree = tomllib.loads(values)
    example = tree.pop("registries")
    assert msgspec.convert(tree, Config) == Config()
    assert msgspec.convert(example, dict[str, schema.Registry]) == {"registry.example.com:5000": schema.Registry()}


def test_the_default_file_shows_every_key() -> None:
    text = default_toml()
    for kind in sections():
        for name, field in fields_of(kind).items():
            if not table_of(field.type) and not tables_of(field.type):
                assert f"\n#{name} = " in text, f"{kind.__name__}.{name}"


def test_values_as_toml() -> None:
    for value in ('a"b\\c\n', True, 3, 1.5, ["x", "y"], {"a b": "c", "d": "e"}):
        assert tomllib.loads(f"x = {toml(value)}")["x"] == value


def test_the_json_schema_explains_its_keys() -> None:
    found = json_schema()
    daemon = found["$defs"]["Daemon"]["properties"]
    assert daemon["socket"]["description"] == "Unix socket that serves the CRI."
    assert daemon["log_level"]["enum"] == ["debug", "error", "info", "warning"]
    assert found["$defs"]["Daemon"]["additionalProperties"] is False
