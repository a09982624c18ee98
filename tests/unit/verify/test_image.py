"""The image of the verification, read back as any registry client would."""

import gzip
import hashlib
import io
import json
import struct
import tarfile
from pathlib import Path

import pytest

from orlop.model.errors import FailedPrecondition
from orlop.verify.image import APPLETS, build, is_static

BUSYBOX = Path("/bin/busybox")


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A file that looks like a static program."""
    path = tmp_path / "busybox"
    path.write_bytes(elf([1, 2]))
    return str(path)


def elf(kinds: list[int], *, wide: bool = True, big: bool = False) -> bytes:
    """The head of an ELF program with program headers of these kinds (elf(5))."""
    order = ">" if big else "<"
    ident = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1, 1]) + bytes(9)
    size = 56 if wide else 32
    layout = f"{order}HHIQQQIHHHHHH" if wide else f"{order}HHIIIIIHHHHHH"
    head = struct.calcsize(layout) + 16
    fields = (2, 62, 1, 0, head, 0, 0, head, size, len(kinds), 0, 0, 0)
    return (
        ident
        + struct.pack(layout, *fields)
        + b"".join(struct.pack(f"{order}I", kind).ljust(size, b"\0") for kind in kinds)
    )


def test_manifest_and_digests_fit_the_blobs(program: str) -> None:
    image = build("a page", program)
    manifest = json.loads(image.manifest.data)
    by_digest = {blob.digest: blob for blob in image.blobs}
    for descriptor in (manifest["config"], *manifest["layers"]):
        blob = by_digest[descriptor["digest"]]
        assert (descriptor["size"], descriptor["mediaType"]) == (len(blob.data), blob.media_type)
    config = json.loads(by_digest[manifest["config"]["digest"]].data)
    layers = [gzip.decompress(by_digest[layer["digest"]].data) for layer in manifest["layers"]]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    assert config["os"] == "linux"


def test_the_layers_hold_busybox_its_names_and_the_page(program: str) -> None:
    image = build("a page", program)
    first, second = (io.BytesIO(gzip.decompress(blob.data)) for blob in image.blobs[1:])
    with tarfile.open(fileobj=first) as base, tarfile.open(fileobj=second) as content:
        names = {member.name: member for member in base}
        assert names["bin/busybox"].mode == 0o755
        assert {names[f"bin/{name}"].linkname for name in APPLETS} == {"busybox"}
        page = content.extractfile("www/index.html")
        assert page is not None and page.read() == b"a page"


def test_two_builds_of_one_page_are_the_same(program: str) -> None:
    assert build("x", program) == build("x", program)


@pytest.mark.parametrize(("wide", "big"), [(True, False), (False, False), (True, True), (False, True)])
def test_a_program_with_an_interpreter_is_not_static(wide: bool, big: bool) -> None:
    assert is_static(elf([6, 1, 2], wide=wide, big=big))
    assert not is_static(elf([6, 3, 1], wide=wide, big=big))


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"\x7fELF\x02\x01", elf([3])[:70]])
def test_what_is_no_program_is_not_static(data: bytes) -> None:
    assert not is_static(data)


def test_a_dynamic_busybox_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "busybox"
    path.write_bytes(elf([3]))
    with pytest.raises(FailedPrecondition, match="is not static: apt install busybox-static, or name an --image"):
        build("x", str(path))
    with pytest.raises(FailedPrecondition, match="No such file or directory: apt install"):
        build("x", str(tmp_path / "gone"))


@pytest.mark.skipif(not BUSYBOX.exists(), reason="no busybox here")
def test_the_machines_own_busybox_is_static() -> None:
    assert is_static(BUSYBOX.read_bytes())
    assert not is_static(Path("/bin/ls").resolve().read_bytes())
