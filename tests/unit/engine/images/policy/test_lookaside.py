"""registries.d: where the signatures of a repository are."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.images.policy import lookaside
from orlop.engine.images.policy.lookaside import Lookaside
from orlop.engine.images.reference import parse
from orlop.model.errors import InvalidArgument


def test_the_most_special_place(tmp_path: Path) -> None:
    places = Lookaside(str(tmp_path))
    assert places.base(parse("a.test/x/app:1")) == "file:///var/lib/containers/sigstore/x/app"
    (tmp_path / "default.yaml").write_text("default-docker:\n  sigstore: https://signatures.test/all/\n")
    (tmp_path / "a.yaml").write_text(
        "docker:\n  a.test:\n    lookaside: file:///a\n  a.test/x:\n    lookaside: http://x.test\n    "
        "use-sigstore-attachments: true\n  b.test: {}\n"
    )
    assert places.base(parse("a.test/x/app:1")) == "http://x.test/x/app"
    assert places.base(parse("a.test/y:1")) == "file:///a/y"
    assert places.base(parse("b.test/y:1")) == "https://signatures.test/all/y"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("docker: [", "cannot be read as YAML"),
        ("docker: 5", "docker: Expected"),
        ("docker: {a.test: {lookaside: 5}}", r"docker.*lookaside: Expected `str`"),
        ("docker: {a.test: {lookaside: ftp://x}}", r"docker\.a\.test: 'ftp://x' is no http, https or file URL"),
        ("!!python/object/apply:os.system [true]", "cannot be read as YAML"),
    ],
)
def test_what_is_wrong_is_named_and_what_was_read_stays(tmp_path: Path, text: str, words: str) -> None:
    places = Lookaside(str(tmp_path))
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InvalidArgument, match=words):
        places.base(parse("a.test/x:1"))
    (tmp_path / "a.yaml").write_text("docker: {a.test: {lookaside: 'file:///good'}}")
    assert places.base(parse("a.test/x:1")) == "file:///good/x"
    (tmp_path / "a.yaml").write_text(text)
    assert places.base(parse("a.test/x:1")) == "file:///good/x"


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        lookaside._parse(text.encode(errors="surrogatepass"), "/r.yaml")
    except InvalidArgument as error:
        assert str(error).startswith("/r.yaml")
