"""The grammar of image references: what people write, what it means, and what is wrong with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.images.reference import MAX_REPOSITORY, Reference, parse
from orlop.model.errors import InvalidArgument

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        ("org/app", "docker.io/org/app:latest"),
        ("docker.io/busybox", "docker.io/library/busybox:latest"),
        ("index.docker.io/org/app:v1", "docker.io/org/app:v1"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:v1", "localhost:5000/app:v1"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
        ("[::1]:5000/a/b", "[::1]:5000/a/b:latest"),
        ("ghcr.io/a/b-c__d.e@" + DIGEST, "ghcr.io/a/b-c__d.e@" + DIGEST),
        ("a/b:v1@" + DIGEST, "docker.io/a/b:v1@" + DIGEST),
        ("host:5000", "docker.io/library/host:5000"),
        ("Upper/app", "Upper/app:latest"),
    ],
)
def test_names_are_normalised(text, normal):
    assert str(parse(text)) == normal
    assert parse(normal) == parse(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "empty"),
        ("App", "lower case"),
        ("host.io/App", "lower case"),
        ("app:", "the tag ''"),
        ("app:a b", "the tag 'a b'"),
        ("app:" + "t" * 129, "at most 128"),
        ("app@sha256:12", "the digest 'sha256:12'"),
        ("app@md5:" + "a" * 32, "the digest"),
        ("host.io/", "no repository name"),
        ("a//b", "the repository"),
        ("ho_st.io/a", "the registry 'ho_st.io'"),
        ("../etc/passwd", "the registry '..'"),
        ("host.io/../x", "the repository '../x'"),
        ("ab" * 32, "an image id, not a name"),
        ("host.io/" + "a" * MAX_REPOSITORY, "longer than 255"),
    ],
)
def test_errors_name_the_bad_part(text, part):
    with pytest.raises(InvalidArgument, match="image reference") as error:
        parse(text)
    assert part in str(error.value)


def test_a_digest_decides_over_a_tag():
    both = parse(f"app:v1@{DIGEST}")
    assert both.target == DIGEST
    assert parse("app").target == "latest"
    assert both.with_digest(DIGEST) == Reference("docker.io", "library/app", "", DIGEST)


@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused_and_parsing_is_stable(text):
    try:
        once = parse(text)
    except InvalidArgument:
        return
    assert parse(str(once)) == once
