"""Whose signature it is: the name in it against the image's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.images.policy.document import (
    ExactReference,
    ExactRepository,
    Identity,
    MatchExact,
    MatchRepoDigestOrExact,
    MatchRepository,
    RemapIdentity,
)
from orlop.engine.images.policy.identity import fits
from orlop.engine.images.reference import parse

DIGEST = "sha256:" + "a" * 64
MOVED = RemapIdentity(prefix="mirror.test/hub", signed_prefix="docker.io")


@pytest.mark.parametrize(
    ("identity", "name", "signed", "good"),
    [
        (MatchRepoDigestOrExact(), "a.test/app:1", "a.test/app:1", True),
        (MatchRepoDigestOrExact(), "a.test/app:1", "a.test/app:2", False),
        (MatchRepoDigestOrExact(), "a.test/app:latest", "a.test/app", False),
        (MatchRepoDigestOrExact(), f"a.test/app@{DIGEST}", "a.test/app:2", True),
        (MatchRepoDigestOrExact(), f"a.test/app:1@{DIGEST}", "a.test/app:2", True),
        (MatchRepoDigestOrExact(), f"a.test/app@{DIGEST}", "a.test/app", False),
        (MatchRepoDigestOrExact(), f"a.test/app@{DIGEST}", "a.test/other:2", False),
        (MatchExact(), "a.test/app:1", "a.test/app:1", True),
        (MatchExact(), f"a.test/app@{DIGEST}", "a.test/app:1", False),
        (MatchExact(), f"a.test/app@{DIGEST}", f"a.test/app@{DIGEST}", True),
        (MatchRepository(), "a.test/app:1", "a.test/app", True),
        (MatchRepository(), "a.test/app:1", "a.test/app:2", True),
        (MatchRepository(), "a.test/app:1", "a.test/app/x:1", False),
        (MatchRepository(), "busybox:1", "busybox:2", True),
        (ExactReference("b.test/x:3"), "a.test/app:1", "b.test/x:3", True),
        (ExactReference("b.test/x:3"), "a.test/app:1", "b.test/x:4", False),
        (ExactRepository("b.test/x"), "a.test/app:1", "b.test/x:4", True),
        (ExactRepository("b.test/x"), "a.test/app:1", "a.test/app:1", False),
        (MOVED, "mirror.test/hub/library/busybox:1", "docker.io/library/busybox:1", True),
        (MOVED, "mirror.test/hub/library/busybox:1", "mirror.test/hub/library/busybox:1", False),
        (MOVED, "mirror.test/hubs/x:1", "docker.io/s/x:1", False),
        (MOVED, "other.test/x:1", "other.test/x:1", True),
        (MatchExact(), "a.test/app:1", "not a name", False),
    ],
)
def test_identities(identity: Identity, name: str, signed: str, good: bool) -> None:
    assert fits(identity, parse(name), signed) is good


@given(st.text(max_size=40))
def test_any_name_in_a_signature_is_judged(signed: str) -> None:
    assert fits(MatchRepoDigestOrExact(), parse("a.test/app:1"), signed) is (signed == "a.test/app:1")
