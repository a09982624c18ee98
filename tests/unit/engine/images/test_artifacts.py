"""The files of an artifact: their names come from a registry, and none may lead out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.images import artifacts
from orlop.engine.images.manifest import Manifest, parse_manifest
from orlop.model.errors import InvalidArgument
from tests.fakes.images import ImageBuilder, artifact


def manifest(files: dict[str, bytes]) -> Manifest:
    found = parse_manifest(artifact(files).manifest, "", "it")
    assert isinstance(found, Manifest)
    return found


def test_artifacts_and_images_are_told_apart() -> None:
    assert manifest({}).artifact == "application/vnd.example.model"
    older = json.loads(artifact({}).manifest) | {"artifactType": ""}
    found = parse_manifest(json.dumps(older).encode(), "", "it")
    assert isinstance(found, Manifest) and found.artifact == "application/vnd.oci.empty.v1+json"
    image = parse_manifest(ImageBuilder().build().manifest, "", "it")
    assert isinstance(image, Manifest) and image.artifact == ""


def test_files_have_their_titles_or_their_digests() -> None:
    files = artifacts.files_of(manifest({"a/b.txt": b"1", "": b"2"}), "it")
    assert files[0].path == "a/b.txt"
    assert files[1].path.startswith("sha256-") and len(files[1].path) == 7 + 64


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["../x"], "cannot be used"),
        (["/etc/passwd"], "cannot be used"),
        (["a/../b"], "cannot be used"),
        (["a//b"], "cannot be used"),
        (["a/"], "cannot be used"),
        (["a\0b"], "cannot be used"),
        (["x" * 256], "cannot be used"),
        (["x/" * 600 + "x"], "cannot be used"),
        (["a", "a/b/c"], "'a/b/c' .*below another file"),
    ],
)
def test_names_that_are_refused(names: list[str], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        artifacts.files_of(manifest({name: name.encode() for name in names}), "it")


def test_two_files_of_one_name_are_refused() -> None:
    document = json.loads(artifact({"a": b"1", "b": b"2"}).manifest)
    document["layers"][1]["annotations"][artifacts.TITLE] = "a"
    found = parse_manifest(json.dumps(document).encode(), "", "it")
    assert isinstance(found, Manifest)
    with pytest.raises(InvalidArgument, match="two blobs of one name"):
        artifacts.files_of(found, "it")


@given(st.lists(st.text(max_size=12), max_size=4, unique=True))
def test_whatever_the_names_files_stay_inside(names: list[str]) -> None:
    try:
        files = artifacts.files_of(manifest({name: name.encode() for name in names}), "it")
    except InvalidArgument:
        return
    for file in files:
        assert not file.path.startswith("/") and ".." not in file.path.split("/") and file.path
