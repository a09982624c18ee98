"""Images from files: OCI layouts and docker-save archives, with the same care as from a registry."""

import io
import json
import os
import tarfile

import pytest

from orlop.linux import mounts
from orlop.model.errors import DataLoss, InvalidArgument, NotFound, ResourceExhausted
from tests.fakes.images import (
    ImageBuilder,
    busybox_image,
    docker_archive,
    index,
    oci_archive,
    oci_directory,
    sha256,
    tar_bytes,
)
from tests.parts import image_store

ONE = ImageBuilder().layer({"a": b"1"}).layer({"b": b"2"}, compression="none").config(user="5").build()
PLAIN = ImageBuilder().layer({"a": b"1"}, compression="none").layer({"b": b"2"}, compression="none").build()
NAME = "example.org/app:1"
NOWHERE = sha256(b"nowhere").encode()


@pytest.fixture
async def store(tmp_path):
    async with image_store.opened(tmp_path) as found:
        yield found


@pytest.mark.parametrize("form", ["tar", "tar.gz", "directory"])
async def test_oci_layouts(store, tmp_path, form):
    path = str(tmp_path / "image")
    if form == "directory":
        oci_directory(path, {NAME: ONE})
    else:
        oci_archive(path, {NAME: ONE}, compress=form == "tar.gz")
    (record,) = await store.images.import_archive(path)
    assert (record.id, record.manifest_digest, record.tags, record.digests) == (ONE.id, ONE.digest, (NAME,), ())
    assert (store.layer_path(record.layers[1]) / "b").read_text() == "2"
    assert record.config.user == "5" and store.on_disk()["tmp"] == []
    assert await store.images.remove(NAME) == [ONE.id]
    store.assert_empty()


async def test_an_archive_of_several_images_and_platforms(store, tmp_path):
    both = index({"linux/amd64": ONE, "linux/arm64": ImageBuilder(architecture="arm64").build()})
    path = oci_archive(str(tmp_path / "a.tar"), {NAME: both, "busybox:2": busybox_image(), "": PLAIN})
    records = await store.images.import_archive(path)
    assert [record.tags for record in records] == [(NAME,), ("docker.io/library/busybox:2",), ()]
    assert len(await store.images.list()) == 3


async def test_names_given_by_hand(store, tmp_path):
    path = oci_archive(str(tmp_path / "a.tar"), {"latest": ONE})
    (record,) = await store.images.import_archive(path)
    assert record.tags == (), "a bare tag names nothing"
    (record,) = await store.images.import_archive(path, ["app", "h.io/app:2"])
    assert record.tags == ("docker.io/library/app:latest", "h.io/app:2")
    two = oci_archive(str(tmp_path / "b.tar"), {"a:1": ONE, "b:1": PLAIN})
    with pytest.raises(
        InvalidArgument, match=r"b.tar holds 2 images; they cannot all be called docker.io/library/x:latest"
    ):
        await store.images.import_archive(two, ["x"])


async def test_docker_save(store, tmp_path):
    path = docker_archive(str(tmp_path / "d.tar"), {NAME: PLAIN})
    (record,) = await store.images.import_archive(path)
    assert (record.id, record.tags) == (PLAIN.id, (NAME,))
    assert record.layers == (await store.images.find(PLAIN.id)).layers
    assert (store.layer_path(record.layers[0]) / "a").read_text() == "1"


def tar_of(path, files: dict[str, bytes], links: dict[str, str] | None = None) -> str:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return str(path)


async def test_docker_save_links_equal_layers(store, tmp_path):
    layer = tar_bytes({"a": b"1"})
    config = json.dumps({"architecture": "", "rootfs": {"diff_ids": [sha256(layer)] * 2}}).encode()
    manifest = json.dumps(
        [{"Config": "c.json", "RepoTags": None, "Layers": ["one/layer.tar", "two/layer.tar"]}]
    ).encode()
    files = {"manifest.json": manifest, "c.json": config, "one/layer.tar": layer}
    path = tar_of(tmp_path / "d.tar", files, {"two/layer.tar": "../one/layer.tar"})
    (record,) = await store.images.import_archive(path)
    assert len(record.layers) == 2


def extension_headers(count: int) -> bytes:
    """One before the other, and never a file."""
    header = tarfile.TarInfo("x")
    header.type = tarfile.XHDTYPE
    return header.tobuf(tarfile.USTAR_FORMAT) * count


@pytest.mark.parametrize(
    ("files", "error", "text"),
    [
        ({"other": b""}, InvalidArgument, "no image archive: it has neither index.json"),
        ({"index.json": b"["}, InvalidArgument, r"index.json of .* cannot be read"),
        ({"index.json": b'{"manifests": [{"digest": "../../x", "size": 1}]}'}, InvalidArgument, "not a digest"),
        ({"index.json": b'{"manifests": [{"digest": "%s", "size": 1}]}' % NOWHERE}, NotFound, "has no blobs/sha256/"),
        ({"manifest.json": b'[{"Config": "../../etc/passwd"}]'}, NotFound, r"has no ../../etc/passwd"),
        ({"manifest.json": b'[{"Config": 7}]'}, InvalidArgument, "manifest.json of"),
    ],
)  # fmt: skip
async def test_archives_that_are_none(store, tmp_path, files, error, text):
    with pytest.raises(error, match=text):
        await store.images.import_archive(tar_of(tmp_path / "bad.tar", files))
    store.assert_empty()


async def test_files_that_are_no_archives(store, tmp_path):
    (tmp_path / "text").write_text("hello " * 1000)
    (tmp_path / "broken.gz").write_bytes(b"\x1f\x8b\x08\0rubbish" * 100)
    (tmp_path / "headers").write_bytes(extension_headers(2000))
    os.mkfifo(tmp_path / "index.json")
    for path, error, text in (
        (tmp_path / "none", NotFound, "cannot read .*/none: No such file"),
        (tmp_path / "text", InvalidArgument, "/text is not a tar archive"),
        (tmp_path / "broken.gz", InvalidArgument, "broken.gz cannot be decompressed"),
        (tmp_path / "headers", InvalidArgument, "/headers is not a tar archive"),
        (tmp_path, InvalidArgument, "no image archive"),
    ):
        with pytest.raises(error, match=text):
            await store.images.import_archive(str(path))
    store.assert_empty()


async def test_links_of_a_directory_lead_nowhere(store, tmp_path):
    oci_directory(str(tmp_path / "layout"), {NAME: ONE})
    os.remove(tmp_path / "layout/index.json")
    (tmp_path / "index.json").write_text('{"manifests": []}')
    (tmp_path / "layout/index.json").symlink_to(tmp_path / "index.json")
    with pytest.raises(InvalidArgument, match="no image archive"):
        await store.images.import_archive(str(tmp_path / "layout"))


async def test_content_is_verified(store, tmp_path):
    oci_directory(str(tmp_path / "layout"), {NAME: ONE})
    blob = tmp_path / "layout/blobs" / ONE.layers[1].digest.replace(":", "/")
    blob.write_bytes(tar_bytes({"b": b"3"}))
    with pytest.raises(DataLoss, match=f"layer {ONE.layers[1].digest} has the wrong digest"):
        await store.images.import_archive(str(tmp_path / "layout"))
    store.assert_empty()


async def test_no_room_for_what_is_inflated(tmp_path):
    big = ImageBuilder().layer({"zeros": bytes(50 << 20)}, compression="none").build()
    path = oci_archive(str(tmp_path / "a.tgz"), {NAME: big}, compress=True)
    disk = tmp_path / "disk"
    disk.mkdir()
    mounts.tmpfs(str(disk), size=8 << 20)
    try:
        async with image_store.opened(disk) as store:
            with pytest.raises(ResourceExhausted, match=r"cannot inflate .*a.tgz into .*/tmp: No space left on device"):
                await store.images.import_archive(path)
            store.assert_empty()
    finally:
        mounts.unmount(str(disk))


async def test_an_import_beside_a_running_daemon_is_seen_by_it(store, tmp_path):
    path = oci_archive(str(tmp_path / "a.tar"), {NAME: ONE})
    async with image_store.opened(tmp_path) as command:
        await command.images.import_archive(path)
    found = await store.images.find(NAME)
    assert found is not None and found.id == ONE.id
    mount = await store.roots.prepare("c1", found.layers)
    assert sorted(os.listdir(mount.path)) == ["a", "b"]
    await store.roots.release("c1")
    assert await store.images.remove(ONE.id) == [ONE.id]
    store.assert_empty()
