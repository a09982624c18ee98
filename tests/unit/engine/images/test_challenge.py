"""WWW-Authenticate headers of registries, and of whoever pretends to be one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.images.challenge import Challenge, parse_challenges


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        ('Basic realm="r"', [Challenge("basic", {"realm": "r"})]),
        (
            'Bearer realm="https://a/t",service="x y",scope="repository:a:pull,push"',
            [Challenge("bearer", {"realm": "https://a/t", "service": "x y", "scope": "repository:a:pull,push"})],
        ),
        (
            'Basic realm=r, BEARER Realm="q\\"x"',
            [Challenge("basic", {"realm": "r"}), Challenge("bearer", {"realm": 'q"x'})],
        ),
        ("Negotiate", [Challenge("negotiate")]),
        ("Negotiate , Basic", [Challenge("negotiate"), Challenge("basic")]),
        ('"rubbish', []),
        ("", []),
    ],
)
def test_challenges(header, challenges):
    assert parse_challenges([header]) == challenges


def test_several_headers_are_one_list():
    assert [each.scheme for each in parse_challenges(["Basic", "Bearer realm=x"])] == ["basic", "bearer"]


@given(st.lists(st.text(max_size=60), max_size=3))
def test_any_text_ends(headers):
    parse_challenges(headers)
