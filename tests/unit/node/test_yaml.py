"""What is written is read back the same by PyYAML, whatever the strings hold."""

from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as some

from orlop.node import yaml

TEXT = some.text(some.characters(exclude_categories=["Cs"]), max_size=20) | some.sampled_from(
    [
        "no",
        "On",
        "~",
        "1_000",
        "0x1",
        "1e3",
        "12:30",
        "2020-01-01",
        "a: b",
        "- a",
        "a #b",
        "=",
        "<<",
        "null",
        ".inf",
        "y",
    ]
)
SCALAR = TEXT | some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False)
VALUE = some.recursive(SCALAR, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXT, inner, max_size=3))
DOCUMENT = some.dictionaries(TEXT, VALUE, max_size=4)


@given(some.lists(DOCUMENT, min_size=1, max_size=3))
def test_round_trip(documents: list[dict[str, Any]]) -> None:
    assert list(pyyaml.safe_load_all(yaml.dumps(*documents))) == documents


def test_it_reads_as_people_write_it() -> None:
    document = {"kind": "Pod", "items": [{"name": "a", "value": "1"}, {}], "empty": [], "on": True}
    assert yaml.dumps(document) == ('kind: Pod\nitems:\n  - name: a\n    value: "1"\n  - {}\nempty: []\n"on": true\n')


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"x", object()])
def test_what_yaml_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no form"):
        yaml.dumps({"a": value})
