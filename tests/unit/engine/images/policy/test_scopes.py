"""The most special scope decides, exactly."""

import json

import pytest

from orlop.engine.images.policy.document import parse
from orlop.engine.images.policy.scopes import requirements_for, scopes_of
from orlop.engine.images.reference import parse as reference

DIGEST = "sha256:" + "a" * 64


def test_scopes_of_a_reference() -> None:
    assert scopes_of(reference("r.a.test:5000/team/app:1")) == [
        "r.a.test:5000/team/app:1",
        "r.a.test:5000/team/app",
        "r.a.test:5000/team",
        "r.a.test:5000",
        "*.a.test",
        "*.test",
    ]
    assert scopes_of(reference(f"busybox:1@{DIGEST}"))[0] == f"docker.io/library/busybox@{DIGEST}"


@pytest.mark.parametrize(
    ("scope", "name", "decides"),
    [
        ("a.test/team/app:1", "a.test/team/app:1", True),
        ("a.test/team/app:1", "a.test/team/app:2", False),
        ("a.test/team/app", "a.test/team/app:2", True),
        ("a.test/team", "a.test/team/app:1", True),
        ("a.test/team", "a.test/teams/app:1", False),
        ("a.test", "a.test/app:1", True),
        ("a.test", "a.test:5000/app:1", False),
        ("*.test", "a.test:5000/app:1", True),
        ("*.a.test", "a.test/app:1", False),
        ("docker.io/library/busybox", "busybox", True),
        ("", "anything/at/all", True),
        (f"a.test/app@{DIGEST}", f"a.test/app:9@{DIGEST}", True),
    ],
)
def test_a_scope_decides_or_the_default_does(scope: str, name: str, decides: bool) -> None:
    document = {
        "default": [{"type": "reject"}],
        "transports": {
            "docker": {scope: [{"type": "insecureAcceptAnything"}]},
            "oci-archive": {"": [{"type": "insecureAcceptAnything"}]},
        },
    }
    (found,) = requirements_for(parse(json.dumps(document).encode(), "/p"), reference(name))
    assert (type(found).__name__ == "AcceptAnything") is decides
