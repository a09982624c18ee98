"""CDI specification files: what is taken, and that nothing else than ValueError comes of any content."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.oci.cdi import names
from orlop.engine.oci.cdi.schema import decode
from orlop.model.errors import InvalidArgument

GOOD: dict[str, Any] = {
    "cdiVersion": "1.0.0",
    "kind": "vendor.example/gadget",
    "devices": [{"name": "0:1", "containerEdits": {"env": ["A=b"], "intelRdt": {"closID": "x", "enableMBM": True}}}],
}


def _encoded(edits: dict[str, Any]) -> bytes:
    return json.dumps(GOOD | {"containerEdits": edits}).encode()


def test_a_whole_file_in_both_languages() -> None:
    edits = {
        "deviceNodes": [{"path": "/dev/a", "hostPath": "/dev/b", "type": "c", "major": 1, "minor": 0, "fileMode": 432}],
        "mounts": [{"hostPath": "/a", "containerPath": "/b", "options": ["ro"], "type": "bind"}],
        "hooks": [{"hookName": "createContainer", "path": "/h", "args": ["h"], "env": ["E=1"], "timeout": 5}],
        "additionalGids": [5],
    }
    found = decode(_encoded(edits), yaml=False)
    assert found == decode(_encoded(edits), yaml=True)  # JSON is YAML
    assert found.container_edits.device_nodes[0].file_mode == 0o660
    assert found.devices[0].container_edits.intel_rdt.enable_mbm  # type: ignore[union-attr]
    assert decode(
        b"cdiVersion: 0.3.0\nkind: a/b\ncontainerEdits: {deviceNodes: [{path: /d, fileMode: 0640}]}", yaml=True
    )


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"env": ["=x"]}, r"containerEdits\.env\[0\]"),
        ({"env": ["novalue"]}, "NAME=value"),
        ({"deviceNodes": [{"path": "dev"}]}, r"deviceNodes\[0\].*absolute"),
        ({"deviceNodes": [{"path": "/d", "type": "x"}]}, "type must be"),
        ({"deviceNodes": [{"path": "/d", "permissions": "rx"}]}, "permissions"),
        ({"deviceNodes": [{"path": "/d", "uid": -1}]}, "uid"),
        ({"deviceNodes": [{"path": "/d", "fileMode": 65536}]}, "fileMode"),
        ({"mounts": [{"hostPath": "/a", "containerPath": "b"}]}, r"mounts\[0\]"),
        ({"hooks": [{"hookName": "never", "path": "/h"}]}, "hookName"),
        ({"hooks": [{"hookName": "prestart", "path": "h"}]}, "path absolute"),
        ({"additionalGids": [4294967295]}, "additionalGids"),
        ({"future": 1}, "future"),
    ],
)
def test_what_is_wrong_is_named(edits: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode(_encoded(edits), yaml=False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cdiVersion": "2.0.0"}, "cdiVersion"),
        ({"kind": "nokind"}, "vendor/class"),
        ({"devices": [{"name": "a", "containerEdits": {}}] * 2}, "there twice"),
        ({"devices": [{"name": "-", "containerEdits": {}}]}, r"devices\[0\]\.name"),
        ({"devices": [{"containerEdits": {}}]}, "name"),
    ],
)
def test_a_bad_file_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode(json.dumps(GOOD | changes).encode(), yaml=False)


def test_small_files_stay_small() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{n}: &{n} [*{p}, *{p}, *{p}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(ValueError, match="aliases"):
        decode(bomb.encode(), yaml=True)
    for deep in (b"[" * 200000, b'{"a":' * 200000):
        for yaml in (False, True):
            with pytest.raises(ValueError):
                decode(deep[: 20000 if yaml else None], yaml=yaml)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cdiVersion", "kind", "devices", "name", "containerEdits", "env", "hooks", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(content=st.binary(max_size=200) | _json.map(lambda each: json.dumps(each).encode()), yaml=st.booleans())
def test_any_content_is_taken_or_refused(content: bytes, yaml: bool) -> None:
    try:
        decode(content, yaml=yaml)
    except ValueError:
        pass


@given(st.text(max_size=40) | st.from_regex(r"[a-z.]{0,9}/[a-z]{0,9}=[a-z0-9:]{0,9}"))
def test_a_name_is_read_back_or_refused(text: str) -> None:
    try:
        name = names.parse(text, "x")
    except InvalidArgument:
        return
    assert str(name) == text
    assert "\n" not in text


def test_devices_of_a_container_each_once() -> None:
    found = names.wanted(["a/b=1"], {"cdi.k8s.io/z": "a/b=2,a/b=1", "cdi.k8s.io/y": "c/d=e", "other": "a/b=9"})
    assert [str(each) for each in found] == ["a/b=1", "c/d=e", "a/b=2"]
    with pytest.raises(InvalidArgument, match="annotation cdi"):
        names.wanted([], {"cdi.k8s.io/z": "a/b=2,"})
