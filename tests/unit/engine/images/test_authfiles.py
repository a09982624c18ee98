"""auth.json: the most special entry for a repository, of a namespace or of the node; secrets are not told."""

import base64
import hashlib
import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.images import authfiles
from orlop.engine.images.authfiles import AuthFiles
from orlop.engine.images.credentials import ANONYMOUS, Credentials
from orlop.engine.images.reference import parse
from orlop.model.errors import InvalidArgument


def auths(**entries: str) -> str:
    return json.dumps(
        {"auths": {key: {"auth": base64.b64encode(value.encode()).decode()} for key, value in entries.items()}}
    )


def test_the_most_special_entry_wins(tmp_path: Path) -> None:
    file = tmp_path / "auth.json"
    entries = {
        "a.test": "host:h",
        "a.test/team": "team:t",
        "a.test/team/app": "app:a",
        "https://index.docker.io/v1/": "hub:d",
    }
    file.write_text(auths(**entries))
    files = AuthFiles([str(tmp_path / "none.json"), str(file)])
    for name, user in (
        ("a.test/x", "host"),
        ("a.test/team/x", "team"),
        ("a.test/team/app:1", "app"),
        ("busybox", "hub"),
    ):
        assert files.of_node(parse(name)).username == user, name
    assert files.of_node(parse("a.test:5000/x")) == ANONYMOUS
    assert files.of_node(parse("b.test/a.test/team")) == ANONYMOUS


def test_an_identity_token(tmp_path: Path) -> None:
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {"a.test": {"identitytoken": "t0ken"}}, "credHelpers": {"b.test": "x"}}))
    assert AuthFiles([str(file)]).of_node(parse("a.test/x")) == Credentials(identity_token="t0ken")


def test_a_change_is_seen_and_a_broken_file_keeps_what_it_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "auth.json"
    files = AuthFiles([str(file)])
    assert files.of_node(parse("a.test/x")) == ANONYMOUS
    file.write_text(auths(**{"a.test": "one:1"}))
    assert files.of_node(parse("a.test/x")).username == "one"
    file.write_text('{"auths": {"a.test": {"auth": ["s3cret"]}}}')
    with caplog.at_level(logging.ERROR):
        assert files.of_node(parse("a.test/x")).username == "one"
    assert str(file) in caplog.text and "auth" in caplog.text and "s3cret" not in caplog.text
    file.write_text(json.dumps({"auths": {"a.test": {"auth": base64.b64encode(b"s3cret").decode()}}}))
    assert files.of_node(parse("a.test/x")) == ANONYMOUS
    assert "auths.a.test.auth" in caplog.text and "s3cret" not in caplog.text
    file.unlink()
    assert files.of_node(parse("a.test/x")) == ANONYMOUS


def test_a_namespace_has_its_own(tmp_path: Path) -> None:
    files = AuthFiles([], str(tmp_path))
    (tmp_path / "team.json").write_text(auths(**{"a.test": "all:1"}))
    digest = hashlib.sha256(b"a.test/app:1").hexdigest()
    (tmp_path / f"team-{digest}.json").write_text(auths(**{"a.test": "one:1"}))
    assert files.of_namespace("team", "a.test/app:1", parse("a.test/app:1")).username == "one"
    assert files.of_namespace("team", "a.test/app:2", parse("a.test/app:2")).username == "all"
    assert files.of_namespace("other", "a.test/app:1", parse("a.test/app:1")) == ANONYMOUS


@pytest.mark.parametrize("namespace", ["", "../x", "a/b", "A", ".", "x" * 64])
def test_a_namespace_is_no_path(tmp_path: Path, namespace: str) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "x.json").write_text(auths(**{"a.test": "all:1"}))
    assert AuthFiles([], str(tmp_path / "dir")).of_namespace(namespace, "a.test/x", parse("a.test/x")) == ANONYMOUS


@given(
    st.one_of(
        st.binary(max_size=60),
        st.dictionaries(st.text(max_size=5), st.text(max_size=5)).map(
            lambda found: json.dumps({"auths": found}).encode()
        ),
    )
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        authfiles._parse(data, "/auth.json")
    except InvalidArgument as error:
        assert str(error).startswith("/auth.json: ")
