"""Tables that are a union: the tag chooses which keys there are. Plain tables are covered through the loader."""

from typing import Any

import pytest

from orlop.config.schema import Section
from orlop.config.typing_rules import problems


class Circle(Section, tag_field="shape", tag="circle"):
    radius: int = 1


class Square(Section, tag_field="shape", tag="square"):
    side: int = 1


class Drawing(Section):
    what: Circle | Square = Circle()


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ({"shape": "square", "side": 2}, []),
        ({"shape": "square", "radius": 2}, ["what.radius: there is no such key; known here: side"]),
        ({"shape": "cone"}, ["what.shape: must be one of circle, square, not 'cone'"]),
        ({}, ["what.shape: must be one of circle, square, not None"]),
        ([], ["what: must be a table, not []"]),
    ],
)
def test_a_tag_chooses_the_keys(what: Any, told: list[str]) -> None:
    assert [str(problem) for problem in problems({"what": what}, Drawing)] == told
