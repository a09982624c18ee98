"""Pulls that must fail: each with an error that names the thing, and nothing left behind."""

import asyncio
import gzip
import os

import pytest

from orlop.linux import mounts
from orlop.model.errors import DataLoss, InvalidArgument, ResourceExhausted, Unavailable, Unsupported
from tests.fakes.faulty_registry import FaultyRegistry
from tests.fakes.images import COMPRESSORS, Device, HardLink, ImageBuilder, Link, sha256, tar_bytes
from tests.parts import image_store

GOOD = {"good": b"layer"}


@pytest.fixture
async def registry():
    async with FaultyRegistry() as found:
        yield found


@pytest.fixture
async def store(tmp_path, registry, kind):
    async with image_store.opened(tmp_path, plain_http=[registry.host], progress_timeout=2.0) as found:
        yield found


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ({"../evil": b""}, r"entry '../evil' leads out of the layer's root"),
        ({"a/../../evil": b""}, r"entry 'a/../../evil' leads out"),
        ({"evil": HardLink("../../etc/shadow")}, r"hard link 'evil' to '../../etc/shadow' leads out"),
        ({"evil": HardLink("/etc/shadow")}, r"hard link 'evil' to '/etc/shadow', which the layer does not have"),
        ({"a": Link("a"), "a/evil": b""}, r"entry 'a/evil': Too many levels of symbolic links"),
        ({".wh.": b""}, "'.wh.' in '/' hides nothing"),
    ],
)  # fmt: skip
async def test_layers_that_want_out(store, registry, entries, text):
    image = ImageBuilder().layer(GOOD).layer(entries).layer(GOOD).build()
    with pytest.raises(InvalidArgument, match=text) as error:
        await store.images.pull(registry.add(image, "evil:1"))
    assert image.layers[1].digest in str(error.value)
    store.assert_empty()


async def test_links_and_absolute_names_stay_inside(store, registry, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    entries = {"way": Link(str(outside)), "way/file": b"1", f"{outside}/absolute": b"2"}
    record = await store.images.pull(registry.add(ImageBuilder().layer(entries).build(), "inside:1"))
    assert os.listdir(outside) == []
    inside = store.layer_path(record.layers[0]) / str(outside).lstrip("/")
    assert sorted(os.listdir(inside)) == ["absolute", "file"]


async def test_a_wrong_blob_behind_a_digest(store, registry):
    image = ImageBuilder().layer(GOOD).layer({"a": b"right"}).build()
    name = registry.add(image, "wrong:1")
    layer = image.layers[1]
    other = COMPRESSORS["gzip"](tar_bytes({"a": b"wrong"}))
    registry.serve_blob(layer.digest, other.ljust(len(layer.blob), b"\0")[: len(layer.blob)])
    with pytest.raises((DataLoss, InvalidArgument), match=f"layer {layer.digest}"):
        await store.images.pull(name)
    store.assert_empty()


async def test_the_same_files_in_another_compression_are_not_the_blob(store, registry):
    tar = tar_bytes({"a": b"right"})
    blob = gzip.compress(tar, 9)
    image = ImageBuilder().raw_layer(tar, blob=blob).build()
    name = registry.add(image, "wrong:1")
    padded = gzip.compress(tar, 1)
    registry.serve_blob(image.layers[0].digest, padded + bytes(max(0, len(blob) - len(padded))))
    with pytest.raises(
        DataLoss, match=f"layer {image.layers[0].digest}.* (has the wrong digest|is truncated|is longer)"
    ):
        await store.images.pull(name)
    store.assert_empty()


async def test_a_truncated_layer(store, registry):
    image = ImageBuilder().layer({"a": os.urandom(10_000)}).build()
    name = registry.add(image, "short:1")
    layer = image.layers[0]
    registry.serve_blob(layer.digest, layer.blob[:-100])
    size = len(layer.blob)
    truth = f"is truncated: {size - 100} bytes, its manifest says {size}"
    with pytest.raises(DataLoss, match=f"layer {layer.digest} of .*/short {truth}"):
        await store.images.pull(name)
    store.assert_empty()


async def test_a_layer_that_was_truncated_before_it_was_described(store, registry):
    tar = tar_bytes({"a": os.urandom(10_000)})
    image = ImageBuilder().raw_layer(tar, blob=gzip.compress(tar)[:-500]).build()
    with pytest.raises(InvalidArgument, match=f"layer {image.layers[0].digest} cannot be unpacked: .*ends too early"):
        await store.images.pull(registry.add(image, "short:1"))
    store.assert_empty()


async def test_a_wrong_diff_id(store, registry):
    image = ImageBuilder().layer(GOOD).raw_layer(tar_bytes({"a": b""}), diff_id=sha256(b"other")).build()
    with pytest.raises(
        DataLoss, match=f"layer {image.layers[1].digest} has the wrong diff id: expected {sha256(b'other')}"
    ):
        await store.images.pull(registry.add(image, "diff:1"))
    store.assert_empty()


async def test_a_missing_layer(store, registry):
    image = ImageBuilder().layer(GOOD).build()
    name = registry.add(image, "missing:1")
    registry.answer(
        "/blobs/" + image.layers[0].digest, 404, body='{"errors":[{"code":"BLOB_UNKNOWN","message":"gone"}]}'
    )
    with pytest.raises(Exception, match=f"does not have the layer {image.layers[0].digest} of .*: BLOB_UNKNOWN: gone"):
        await store.images.pull(name)
    store.assert_empty()


async def test_images_of_the_past(store, registry):
    document = b'{"schemaVersion": 1, "name": "old", "fsLayers": []}'
    name = registry.serve_manifest("old:1", document, "application/vnd.docker.distribution.manifest.v1+prettyjws")
    with pytest.raises(Unsupported, match=r"the manifest of .*/old:1 is a Docker schema 1 manifest"):
        await store.images.pull(name)
    store.assert_empty()


async def test_a_registry_that_breaks_again_and_again_keeps_what_is_complete(store, registry):
    image = ImageBuilder().layer(GOOD).layer({"a": os.urandom(300_000)}).build()
    name = registry.add(image, "flaky:1")
    registry.break_blob(image.layers[1].digest, *[1000] * 3)
    store.images._remote.backoff = (0.5, 0.5)  # time for the first layer
    with pytest.raises(Unavailable, match="broke off at byte"):
        await store.images.pull(name)
    assert store.on_disk()["tmp"] == [] and store.database.images.all() == ()
    before = registry.seen.count(image.layers[0].digest)
    registry.break_blob(image.layers[1].digest, 100_000)
    record = await store.images.pull(name)
    assert registry.seen.count(image.layers[0].digest) == before, "the complete layer was not fetched again"
    assert len(record.layers) == 2


async def test_layers_of_a_failed_pull_go_with_the_next_collection(store, registry):
    image = ImageBuilder().layer(GOOD).layer({"a": os.urandom(300_000)}).build()
    name = registry.add(image, "flaky:1")
    registry.break_blob(image.layers[1].digest, *[1000] * 3)
    with pytest.raises(Unavailable):
        await store.images.pull(name)
    await store.images.collect()
    store.assert_empty()


async def test_a_cancelled_store_leaves_nothing_half_made(tmp_path, registry, kind):
    image = ImageBuilder().layer({"a": os.urandom(300_000)}).build()
    name = registry.add(image, "stalled:1")
    registry.stall_blob(image.layers[0].digest, 100_000)
    async with image_store.opened(tmp_path, plain_http=[registry.host], progress_timeout=60) as store:
        await store.layers.packs()  # its trial is a directory, too, which goes by itself
        pull = asyncio.create_task(store.images.pull(name))
        while not store.on_disk()["tmp"]:  # noqa: ASYNC110  # the state is on disk
            await asyncio.sleep(0.01)
        await store.images.aclose()
        with pytest.raises(asyncio.CancelledError):
            await pull
        store.assert_empty()


@pytest.fixture
def small_disk(tmp_path):
    target = tmp_path / "small"
    target.mkdir()
    mounts.tmpfs(str(target), size=24 << 20)
    yield target
    mounts.unmount(str(target))


@pytest.mark.parametrize("bomb", [False, True])
async def test_a_full_disk(small_disk, registry, kind, bomb):
    """By an honest layer, or by one that is a thousand times larger inside than outside."""
    data = bytes(200 << 20) if bomb else os.urandom(30 << 20)
    big = ImageBuilder().layer(GOOD).layer({"dir/big": data}).build()
    small = ImageBuilder().layer({"a": os.urandom(1 << 20)}).build()
    async with image_store.opened(small_disk, plain_http=[registry.host]) as store:
        free = os.statvfs(small_disk).f_bfree
        with pytest.raises(ResourceExhausted, match=rf"no space left below {small_disk}/root/tmp/.* to unpack layer "
                           rf"{big.layers[1].digest}: entry 'dir/big': No space left on device"):  # fmt: skip
            await store.images.pull(registry.add(big, "big:1"))
        store.assert_empty()
        assert free - os.statvfs(small_disk).f_bfree < 64
        await store.images.pull(registry.add(small, "small:1"))


async def test_devices_and_their_kin_cannot_be_opened_as_files(store, registry):
    """A device node where a directory is needed is an error of the entry, not a way to the device."""
    image = ImageBuilder().layer({"null": Device(major=1, minor=3), "null/x": b"data"}).build()
    with pytest.raises(InvalidArgument, match="entry 'null/x': Not a directory"):
        await store.images.pull(registry.add(image, "dev:1"))
    store.assert_empty()


async def test_a_pull_without_progress_ends(tmp_path, registry):
    image = ImageBuilder().layer({"big": os.urandom(1 << 20)}, compression="none").build()
    name = registry.add(image, "stuck:1")
    registry.stall_blob(image.layers[0].digest, 1000)
    async with image_store.opened(tmp_path / "store", progress_timeout=0.0, pull_progress_timeout=0.5) as store:
        with pytest.raises(Unavailable, match=rf"{name}: no byte has come for 0\.5 s .*pull_progress_timeout"):
            await store.images.pull(name)


async def test_where_a_mirror_is_stuck_the_next_one_is_asked(tmp_path, registry):
    image = ImageBuilder().layer({"big": os.urandom(1 << 20)}, compression="none").build()
    name = registry.add(image, "stuck:1")
    conf = tmp_path / "registries.conf"
    # The limit holds for the good one, too: a slow machine must not reach it there.
    options = {"progress_timeout": 0.0, "pull_progress_timeout": 5.0, "registries_conf": str(conf)}
    async with image_store.opened(tmp_path / "store", **options) as store, FaultyRegistry() as mirror:
        mirror.add(image, "stuck:1")
        mirror.stall_blob(image.layers[0].digest, 1000)
        place = f'location = "{registry.host}"\n[[registry.mirror]]\nlocation = "{mirror.host}"'
        conf.write_text(f"[[registry]]\n{place}\n")
        assert (await store.images.pull(name)).id == image.id
        assert mirror.seen.count("/blobs/") == 2


async def test_the_number_of_downloads_is_limited_over_all_pulls(tmp_path, registry):
    images = [ImageBuilder() for _ in range(3)]
    for number, builder in enumerate(images):
        for layer in range(4):
            builder.layer({f"{number}{layer}": b"x"})
    names = [registry.add(builder.build(), f"many{number}:1") for number, builder in enumerate(images)]
    async with image_store.opened(tmp_path / "store", max_concurrent_downloads=2) as store:
        registry.slow_down(0.05)
        # Configurations are small and come outside of the limit: one for each pull at most.
        await asyncio.gather(*(store.images.pull(name) for name in names))
        assert registry.seen.count("/blobs/") == 3 * 5
        assert registry.seen.most_blobs_at_once <= 2 + 3
