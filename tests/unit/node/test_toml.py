"""What is written is read back the same, whatever the strings hold."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from orlop.node import toml

TEXT = some.text(some.characters(exclude_categories=["Cs"]), max_size=20)
SCALAR = (
    TEXT | some.booleans() | some.integers(-(2**63), 2**63 - 1) | some.floats(allow_nan=False, allow_infinity=False)
)
VALUE = some.recursive(
    SCALAR | some.lists(SCALAR, max_size=3), lambda inner: some.dictionaries(TEXT, inner, max_size=3)
)


@given(some.dictionaries(TEXT, VALUE, max_size=4))
def test_round_trip(document: dict[str, Any]) -> None:
    assert tomllib.loads(toml.dumps(document)) == document


def test_plain_values_come_before_tables() -> None:
    assert toml.dumps({"t": {"x": 1}, "a": True}) == "a = true\n\n[t]\nx = 1\n"


def test_what_toml_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        toml.dumps({"a": None})
