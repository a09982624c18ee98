"""Which places a reference leads to: prefixes, wildcards, mirrors, blocked registries, short names."""

import pytest

from orlop.engine.images import reference
from orlop.engine.images.registries.document import parse
from orlop.engine.images.registries.rules import Rules, merged
from orlop.model.errors import FailedPrecondition, InvalidArgument

DIGEST = "sha256:" + "a" * 64


def rules(*texts: str) -> Rules:
    return merged([(f"/r{number}.conf", parse(text.encode(), f"/r{number}.conf")) for number, text in enumerate(texts)])


def places(found: Rules, name: str) -> list[str]:
    return [str(endpoint.reference) for endpoint in found.endpoints(reference.parse(name))]


def entry(**keys: object) -> str:
    lines = "".join(f"{key.replace('_', '-')} = {str(value).lower() if isinstance(value, bool) else repr(value)}\n"
                    for key, value in keys.items())  # fmt: skip
    return f"[[registry]]\n{lines}"


@pytest.mark.parametrize(
    ("prefix", "location", "name", "place"),
    [
        ("a.test", "b.test:5000/x", "a.test/team/app:1", "b.test:5000/x/team/app:1"),
        ("a.test/team", "b.test/t", "a.test/team/app@" + DIGEST, "b.test/t/app@" + DIGEST),
        ("a.test/team", "b.test/t", "a.test/teams/app:1", "a.test/teams/app:1"),
        ("a.test/team/app", "b.test/other", "a.test/team/app:1", "b.test/other:1"),
        ("a.test/team/app:1", "b.test/other:2", "a.test/team/app:1", "b.test/other:2"),
        ("a.test", "b.test", "a.test:5000/app:1", "b.test:5000/app:1"),
        ("a.test", "b.test", "a.testing/app:1", "a.testing/app:1"),
        ("docker.io", "hub.test/mirror", "busybox", "hub.test/mirror/library/busybox:latest"),
        ("*.corp.test", "b.test/all", "deep.er.corp.test/app:1", "b.test/all/app:1"),
        ("*.corp.test", "b.test", "x.corp.test:5000/app:1", "b.test:5000/app:1"),
        ("*.corp.test", "b.test", "corp.test/app:1", "corp.test/app:1"),
        ("*.corp.test", "b.test", "evilcorp.test/app:1", "evilcorp.test/app:1"),
        ("*.corp.test", "b.test", "evil.test/x.corp.test/app:1", "evil.test/x.corp.test/app:1"),
        ("*.corp.test", "", "x.corp.test/app:1", "x.corp.test/app:1"),
    ],
)
def test_a_location_takes_the_place_of_its_prefix(prefix: str, location: str, name: str, place: str) -> None:
    assert places(rules(entry(prefix=prefix, location=location)), name) == [place]


def test_the_longest_prefix_decides() -> None:
    found = rules(
        entry(location="a.test", blocked=True)
        + entry(prefix="a.test/open", location="b.test")
        + entry(prefix="*.test", blocked=True)
    )
    assert places(found, "a.test/open/app:1") == ["b.test/app:1"]
    for blocked in ("a.test/other:1", "x.test/app:1"):
        with pytest.raises(FailedPrecondition, match=r"is blocked by /r0\.conf"):
            places(found, blocked)


def test_mirrors_come_first_and_only_where_they_serve() -> None:
    text = entry(location="a.test", insecure=True)
    for location, kind in (("all.test", "all"), ("digests.test/x", "digest-only"), ("tags.test", "tag-only")):
        text += f'[[registry.mirror]]\nlocation = "{location}"\npull-from-mirror = "{kind}"\n'
    found = rules(text)
    assert places(found, "a.test/app:1") == ["all.test/app:1", "tags.test/app:1", "a.test/app:1"]
    both = places(found, f"a.test/app:1@{DIGEST}")
    assert [place.partition("/")[0] for place in both] == ["all.test", "digests.test", "a.test"]
    endpoints = found.endpoints(reference.parse("a.test/app:1"))
    assert [(each.mirror, each.insecure) for each in endpoints] == [(True, False), (True, False), (False, True)]
    only = rules(entry(location="a.test", mirror_by_digest_only=True) + '[[registry.mirror]]\nlocation = "m.test"\n')
    assert places(only, "a.test/app:1") == ["a.test/app:1"]
    assert len(places(only, f"a.test/app@{DIGEST}")) == 2


def test_a_location_that_makes_no_repository_is_named() -> None:
    with pytest.raises(InvalidArgument, match=r"'b\.test:1' names no repository"):
        places(rules(entry(prefix="a.test/app", location="b.test")), "a.test/app:1")


def test_later_files_win() -> None:
    found = rules(
        'unqualified-search-registries = ["one.test"]\n' + entry(location="a.test", blocked=True)
        + '[aliases]\nx = "one.test/x"\ny = "one.test/y"',
        entry(location="a.test") + '[aliases]\nx = ""\ny = "two.test/y"',
        'unqualified-search-registries = ["two.test"]',
    )  # fmt: skip
    assert places(found, "a.test/app:1") == ["a.test/app:1"]
    assert [str(name) for name in found.names("x")] == ["two.test/x:latest"]
    assert [str(name) for name in found.names("y:3")] == ["two.test/y:3"]


def test_short_names() -> None:
    def names(text: str, name: str) -> list[str]:
        return [str(each) for each in rules(text).names(name)]

    assert names("", "busybox") == ["docker.io/library/busybox:latest"], "as ever, where nothing is said"
    assert names("", "a.test/busybox") == ["a.test/busybox:latest"]
    search = 'unqualified-search-registries = ["a.test", "docker.io"]\nshort-name-mode = "permissive"\n'
    assert names(search, "app:1") == ["a.test/app:1", "docker.io/library/app:1"]
    assert names(search, f"team/app@{DIGEST}") == [f"a.test/team/app@{DIGEST}", f"docker.io/team/app@{DIGEST}"]
    alias = search + '[aliases]\n"team/app" = "b.test/x/app"'
    assert names(alias, f"team/app:2@{DIGEST}") == [f"b.test/x/app:2@{DIGEST}"]
    assert names(search, "localhost/app:1") == ["localhost/app:1"]
    with pytest.raises(InvalidArgument, match=r"'app:1' .*/r0\.conf has short-name-mode enforcing with 2 registries"):
        names(search.replace("permissive", "enforcing"), "app:1")
    with pytest.raises(InvalidArgument, match="searches none"):
        names("unqualified-search-registries = []", "app")
