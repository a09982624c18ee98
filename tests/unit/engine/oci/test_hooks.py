"""oci-hooks(5): which containers a hook is for, which file counts, and what a file may not be."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.oci.hooks import HookDirectories, decode
from orlop.model.errors import FailedPrecondition

GOOD: dict[str, Any] = {"version": "1.0.0", "hook": {"path": "/h"}, "when": {"always": True}, "stages": ["prestart"]}


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        ({"always": True}, True),
        ({"always": False}, False),
        ({}, False),
        ({"annotations": {"^a$": "^b"}}, True),
        ({"annotations": {"^a$": "^c"}}, False),
        ({"annotations": {"^a$": "b", "^x$": "y"}}, False),
        ({"commands": ["sh$", "none"]}, True),
        ({"commands": ["^sh$"]}, False),
        ({"hasBindMounts": True}, True),
        ({"hasBindMounts": False}, False),
        ({"always": True, "commands": ["none"]}, False),
    ],
)
def test_every_given_condition_must_hold(when: dict[str, Any], matches: bool) -> None:
    hook = decode(json.dumps(GOOD | {"when": when}).encode())
    assert hook.matches({"a": "bcd"}, "/bin/sh", True) is matches


def test_a_later_directory_replaces_and_names_order(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    hooks = HookDirectories((str(one), str(two), str(tmp_path / "none")))
    for path, program in (
        (one / "b.json", "/b"),
        (one / "a.json", "/old"),
        (two / "a.json", "/a"),
        (two / ".c.json", "/c"),
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            json.dumps(GOOD | {"hook": {"path": program, "timeout": 3}, "stages": ["prestart", "poststop"]})
        )
    spec: dict[str, Any] = {"process": {"args": ["x"]}}
    hooks.inject(spec, {}, has_bind_mounts=False)
    expected = [{"path": "/a", "timeout": 3}, {"path": "/b", "timeout": 3}]
    assert spec["hooks"] == {"prestart": expected, "poststop": expected}
    (two / "a.json").write_text("{")
    with pytest.raises(FailedPrecondition, match=r"two/a\.json"):
        hooks.inject(spec, {}, has_bind_mounts=False)
    (two / "a.json").unlink()
    spec = {"process": {"args": ["x"]}}
    hooks.inject(spec, {}, has_bind_mounts=False)
    assert [each["path"] for each in spec["hooks"]["prestart"]] == ["/old", "/b"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": "0.1.0"}, "version"),
        ({"hook": {"path": "h"}}, "absolute"),
        ({"stages": []}, "stages"),
        ({"stages": ["later"]}, "later"),
        ({"stages": ["precreate"]}, "not carried out"),
        ({"when": {"commands": ["("]}}, "regular expression"),
        ({"when": {"never": True}}, "never"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode(json.dumps(GOOD | changes).encode())


@given(
    st.binary(max_size=100)
    | st.text(max_size=30).map(lambda text: json.dumps(GOOD | {"when": {"commands": [text]}}).encode())
)
def test_any_content_is_taken_or_refused(content: bytes) -> None:
    try:
        decode(content)
    except ValueError:
        pass
