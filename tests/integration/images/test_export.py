"""Images out of the store and into another one: with their digests where layers were kept, else with their files."""

import os
import stat
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orlop.engine.storage.layer_mounts import why_not
from orlop.linux.files import read_bytes
from orlop.model.errors import DataLoss, NotFound, ResourceExhausted
from tests.fakes.faulty_registry import FaultyRegistry
from tests.fakes.images import Device, Dir, File, HardLink, ImageBuilder, Link, artifact, docker_archive
from tests.parts import image_store
from tests.parts.registry import Registry

LAYERS = (
    ImageBuilder()
    .layer({"etc/": Dir(), "etc/os": b"base", "gone": b"1", "d/": Dir(mode=0o700), "d/old": b"1"})
    .layer(
        {
            ".wh.gone": b"",
            "d/": Dir(mode=0o750, uid=7, gid=8),
            "d/.wh..wh..opq": b"",
            "d/new": File(b"new", mode=0o4755, uid=5, mtime=1_700_000_000.25),
            "d/hard": HardLink("d/new"),
            "link": Link("d/new"),
            "dev/": Dir(),
            "dev/null": Device(major=1, minor=3),
            "fifo": Device(kind="p"),
            "attributes": File(b"x", xattrs={"security.capability": bytes.fromhex("0100000200040000") + bytes(12)}),
        },
        compression="zstd",
    )
    .config(user="5", labels={"a": "b"})
    .annotate(vendor="us")
    .build()
)
NAME = "example.org/app:1"


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with Registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


def opened(tmp_path: Path, name: str, **settings: Any) -> Any:
    return image_store.opened(tmp_path / name, **settings)


def tree(root: str) -> dict[str, tuple[Any, ...]]:
    """All that can be seen of a tree."""
    found = {}
    for place, directories, files in os.walk(root):
        for name in [".", *directories, *files]:
            path = os.path.join(place, name)
            status = os.lstat(path)
            what: object = None
            if stat.S_ISREG(status.st_mode):
                what = (read_bytes(path), status.st_nlink)
            elif stat.S_ISLNK(status.st_mode):
                what = os.readlink(path)
            attributes = {key: os.getxattr(path, key, follow_symlinks=False)
                          for key in os.listxattr(path, follow_symlinks=False)}  # fmt: skip
            found[os.path.relpath(path, root)] = (
                stat.filemode(status.st_mode), status.st_uid, status.st_gid, status.st_rdev, status.st_mtime_ns, what,
                attributes,
            )  # fmt: skip
    return found


async def seen(store: Any, layers: Any) -> dict[str, tuple[Any, ...]]:
    mount = await store.roots.prepare("look", layers)
    try:
        found = tree(mount.path)
        return found | {".": found["."][:4]}  # the root itself is made for each mount
    finally:
        await store.roots.release("look")


async def test_kept_layers_keep_all_digests(tmp_path, registry):
    name = registry.push(LAYERS, "kept:1")
    path = str(tmp_path / "out.tar")
    async with opened(tmp_path, "one", keep_layers=True) as store:
        record = await store.images.pull(name)
        (exported,) = await store.images.export([name], path)
        assert (exported.exact, exported.id, exported.digest) == (True, LAYERS.id, LAYERS.digest)
    async with opened(tmp_path, "two", keep_layers=True) as store:
        (imported,) = await store.images.import_archive(path)
        assert imported == msgspec.structs.replace(record, digests=())
        # What an archive gave is kept like what a registry gave.
        (again,) = await store.images.export([imported.id], str(tmp_path / "again.tar"))
        assert again.exact


async def test_kept_layers_go_with_the_last_image_that_has_them(tmp_path, registry):
    base = {"base": b"same for both"}
    one, two = (ImageBuilder().layer(base).layer({each: b"x"}).build() for each in "ab")
    async with opened(tmp_path, "one", keep_layers=True) as store:
        for number, image in enumerate((one, two)):
            await store.images.pull(registry.push(image, f"base{number}:1"))
        assert len(store.on_disk()["blobs"]) == 2 + 2 + 3
        await store.images.remove(one.id)
    async with opened(tmp_path, "one") as store:  # a start sweeps what nothing needs, and no more
        assert len(store.on_disk()["blobs"]) == 2 + 2
        (exported,) = await store.images.export([two.id], str(tmp_path / "out.tar"))
        assert exported.exact, "the shared layer came with the other image"
        await store.images.remove(two.id)
        store.assert_empty()


async def test_a_pull_that_fails_keeps_nothing(tmp_path):
    image = ImageBuilder().layer({"a": b"right"}).layer({"b": b"right"}).build()
    async with FaultyRegistry() as registry, opened(tmp_path, "one", keep_layers=True) as store:
        name = registry.add(image, "bad:1")
        registry.serve_blob(image.layers[1].digest, image.layers[0].blob)
        with pytest.raises(DataLoss):
            await store.images.pull(name)
        store.assert_empty()


async def test_layers_that_are_made_again_hold_the_same_files(tmp_path, registry):
    path = str(tmp_path / "out.tar")
    async with opened(tmp_path, "one") as store:
        record = await store.images.pull(registry.push(LAYERS, "made:1"))
        (exported,) = await store.images.export([record.id], path)
        assert not exported.exact and exported.id != record.id
        before = await seen(store, record.layers)
    assert "gone" not in before and "d/old" not in before and before["d/new"][0] == "-rwsr-xr-x"
    async with opened(tmp_path, "two") as store:
        (imported,) = await store.images.import_archive(path)
        assert (imported.id, imported.tags) == (exported.id, record.tags)
        assert (imported.config, imported.annotations) == (record.config, record.annotations)
        assert await seen(store, imported.layers) == before
        # Made of the same files again it is the same again.
        (again,) = await store.images.export([imported.id], str(tmp_path / "again.tar"))
        assert again.id == exported.id


async def test_packed_layers_go_in_as_they_were_and_the_id_stays(tmp_path, registry):
    if reason := why_not(str(tmp_path)):
        pytest.skip(reason)
    path = str(tmp_path / "out.tar")
    async with opened(tmp_path, "one", packed_layers=True) as store:
        record = await store.images.pull(registry.push(LAYERS, "packed:1"))
        (exported,) = await store.images.export([record.id], path)
        assert (exported.id, exported.exact) == (LAYERS.id, False), "the manifest is another: nothing is compressed"
        image = store.layers.image(record.layers[1])
    async with opened(tmp_path, "two") as store:
        (imported,) = await store.images.import_archive(path)
        assert (imported.id, imported.layers, imported.tags) == (record.id, record.layers, record.tags)
    async with opened(tmp_path, "one", packed_layers=True) as store:
        with open(image, "r+b") as file:  # noqa: ASYNC230 - a test: an image of an earlier version tells no length
            file.seek(1024 + 64)
            file.write(bytes(16))
        (exported,) = await store.images.export([record.id], str(tmp_path / "old.tar"))
        assert exported.id != record.id, "made again, as an unpacked one"


async def test_one_archive_of_several_images_for_docker_and_for_oci(tmp_path):
    plain = ImageBuilder().layer({"a": b"1"}, compression="none").build()
    path, both = str(tmp_path / "in.tar"), str(tmp_path / "both.tar")
    docker_archive(path, {NAME: plain, "": ImageBuilder().layer({"b": b"2"}, compression="none").build()})
    async with opened(tmp_path, "one", keep_layers=True) as store:
        records = await store.images.import_archive(path)
        assert all(each.exact for each in await store.images.export([each.id for each in records], both))
    with tarfile.open(both) as tar:
        names = tar.getnames()
        assert len(names) == len(set(names)) and {"oci-layout", "index.json", "manifest.json"} <= set(names)
        saved = msgspec.json.decode(tar.extractfile("manifest.json").read())
        assert [each["RepoTags"] for each in saved] == [[NAME], []]
        assert {file for each in saved for file in (each["Config"], *each["Layers"])} <= set(names)
    with tarfile.open(both) as tar, tarfile.open(tmp_path / "docker.tar", "w") as out:
        for member in tar:
            if member.name not in ("index.json", "oci-layout"):
                out.addfile(member, tar.extractfile(member))
    for each in (both, str(tmp_path / "docker.tar")):
        async with opened(tmp_path, f"{os.path.basename(each)}.store") as store:
            assert [image.id for image in await store.images.import_archive(each)] == [image.id for image in records]


async def test_an_artifact_is_exact(tmp_path, registry):
    made = artifact({"model": b"weights" * 1000, "docs/readme": b"read me"})
    path = str(tmp_path / "out.tar")
    async with opened(tmp_path, "one") as store:
        record = await store.images.pull(registry.push(made, "model:1"))
        (exported,) = await store.images.export([record.id], path)
        assert exported.exact
    async with opened(tmp_path, "two") as store:
        (imported,) = await store.images.import_archive(path)
        assert (imported.id, imported.layers) == (made.digest, record.layers)


async def test_what_cannot_be_exported_leaves_no_file(tmp_path, registry):
    async with opened(tmp_path, "one") as store:
        with pytest.raises(NotFound, match="no image is called 'none:1'"):
            await store.images.export(["none:1"], str(tmp_path / "out.tar"))
        record = await store.images.pull(registry.push(LAYERS, "fails:1"))
        with pytest.raises(ResourceExhausted, match=r"cannot write .*/none/out\.tar: No such file or directory"):
            await store.images.export([record.id], str(tmp_path / "none" / "out.tar"))
    assert not [each.name for each in tmp_path.iterdir() if each.name != "one"]
