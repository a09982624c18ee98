"""registries.conf: what is read, and how what is wrong is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.images.registries.document import parse
from orlop.model.errors import InvalidArgument

WHOLE = b"""
unqualified-search-registries = ["registry.test", "docker.io"]
short-name-mode = "permissive"
credential-helpers = ["containers-auth.json"]

[[registry]]
prefix = "a.test/team/"
location = "b.test:5000/copies/"
insecure = true
mirror-by-digest-only = true
[[registry.mirror]]
location = "mirror.test/a/"

[[registry]]
prefix = "*.blocked.test"
blocked = true

[aliases]
"tool" = "registry.test/team/tool"
"gone" = ""
"""


def test_a_whole_file() -> None:
    found = parse(WHOLE, "/r.conf")
    assert found.unqualified_search_registries == ("registry.test", "docker.io")
    first, second = found.registry
    assert (first.prefix, first.location, first.mirror[0].location) == (
        "a.test/team",
        "b.test:5000/copies",
        "mirror.test/a",
    )
    assert (first.insecure, first.mirror_by_digest_only, second.blocked, second.location) == (True, True, True, "")
    assert parse(b"", "/r.conf").unqualified_search_registries is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[registry", "/r.conf cannot be read as TOML: .*at end"),
        ("registry = 5", "/r.conf: registry: Expected `array`"),
        ('[[registry]]\nlocation = "a.test"\nblocked = "yes"', r"/r.conf: registry\[0\]\.blocked: Expected `bool`"),
        ("[[registry]]\nblocked = true", r"registry\[0\]: it has neither prefix nor location"),
        ('[[registry]]\nprefix = "a.test"', r"registry\[0\]\.location: only a prefix like"),
        ('[[registry]]\nlocation = "https://a.test"', r"registry\[0\]\.location: .*without a scheme"),
        ('[[registry]]\nlocation = "a b"', r"registry\[0\]\.location: 'a b' does not begin with the name of a host"),
        ('[[registry]]\nprefix = "*.a.test/x"\nblocked = true', r"registry\[0\]\.prefix"),
        ('[[registry]]\nlocation="a.test"\n[[registry.mirror]]\nlocation=""', r"registry\[0\]\.mirror\[0\]\.location"),
        (
            '[[registry]]\nlocation="a.test"\n[[registry.mirror]]\nlocation="b.test"\npull-from-mirror="never"',
            r"registry\[0\]\.mirror\[0\]\.pull-from-mirror: Invalid enum value 'never'",
        ),
        (
            '[[registry]]\nlocation="a.test"\nmirror-by-digest-only=true\n'
            '[[registry.mirror]]\nlocation="b.test"\npull-from-mirror="all"',
            "cannot be set together",
        ),
        ('unqualified-search-registries = ["https://x"]', "unqualified-search-registries: .*without a scheme"),
        ('short-name-mode = "maybe"', "short-name-mode: Invalid enum value 'maybe'"),
        ('[aliases]\n"a.test/x" = "b.test/x"', "aliases.a.test/x: a short name has neither"),
        ('[aliases]\n"x" = "y"', "aliases.x: 'y' must be a registry and a repository"),
        ('[aliases]\n"x" = "b.test/y:1"', "aliases.x: .*without a tag"),
        ('[registries.search]\nregistries = ["a.test"]', "format of version 1"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_key(text: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        parse(text.encode(), "/r.conf")


@given(st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parse(data, "/r.conf")
    except InvalidArgument as error:
        assert "/r.conf" in str(error)
