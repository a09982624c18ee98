"""OCI artifacts from the real registry: pulled as files, kept and removed like images; hostile ones leave nothing."""

import pytest

from orlop.linux.files import read_bytes
from orlop.model.errors import DataLoss, InvalidArgument
from tests.fakes.faulty_registry import FaultyRegistry
from tests.fakes.images import ImageBuilder, artifact
from tests.parts import image_store
from tests.parts.registry import Registry

FILES = {"model.bin": b"weights" * 10_000, "docs/README.md": b"read me", "": b"nameless"}


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with Registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


async def test_an_artifact_is_a_layer_of_files(tmp_path, registry):
    made = artifact(FILES)
    name = registry.push(made, "model:1")
    async with image_store.opened(tmp_path, plain_http=[registry.host]) as store:
        record = await store.images.pull(name)
        assert (record.id, record.artifact_type) == (made.digest, "application/vnd.example.model")
        assert record.size == sum(map(len, FILES.values())) and record.tags == (name,)
        # The empty configuration is the same for all artifacts: ids must differ nevertheless.
        other = await store.images.pull(registry.push(artifact({"x": b"1"}), "model:2"))
        assert len({record.id, other.id}) == 2 == len(await store.images.list())
        await store.roots.prepare("c1", [])
        mounted = await store.roots.mount_image("c1", 0, record.layers)
        try:
            assert read_bytes(f"{mounted}/model.bin") == FILES["model.bin"]
            assert read_bytes(f"{mounted}/docs/README.md") == b"read me"
        finally:
            await store.roots.release("c1")
    (tmp_path / "root" / "store.db").unlink()  # a lost database: records come back from what is on disk
    async with image_store.opened(tmp_path, plain_http=[registry.host]) as store:
        found = await store.images.find(made.digest)
        assert found is not None and (found.layers, found.artifact_type) == (record.layers, record.artifact_type)
        for image in await store.images.list():
            await store.images.remove(image.id)
        store.assert_empty()


async def test_hostile_artifacts_leave_nothing(tmp_path):
    async with FaultyRegistry() as registry, image_store.opened(tmp_path, plain_http=[registry.host]) as store:
        with pytest.raises(InvalidArgument, match="file name that cannot be used"):
            await store.images.pull(registry.add(artifact({"../../escape": b"x"}), "out:1"))
        wrong = artifact({"a": b"right"})
        name = registry.add(wrong, "wrong:1")
        registry.serve_blob(wrong.layers[0].digest, b"wrong")
        with pytest.raises(DataLoss, match=r"file a of .*/wrong"):
            await store.images.pull(name)
        registry.serve_blob(wrong.layers[0].digest, b"far too long")
        with pytest.raises(DataLoss, match="longer than"):
            await store.images.pull(name)
        store.assert_empty()


async def test_an_artifact_that_breaks_off_goes_on(tmp_path):
    big = artifact({"big": bytes(range(256)) * 8000})
    async with FaultyRegistry() as registry, image_store.opened(tmp_path, plain_http=[registry.host]) as store:
        name = registry.add(big, "big:1")
        registry.break_blob(big.layers[0].digest, 1_000_000)
        record = await store.images.pull(name)
        assert registry.seen.ranges and record.size == 256 * 8000


async def test_an_images_layers_and_an_artifacts_do_not_meet(tmp_path, registry):
    async with image_store.opened(tmp_path, plain_http=[registry.host]) as store:
        image = await store.images.pull(registry.push(ImageBuilder().layer({"a": b"1"}).build(), "both:1"))
        files = await store.images.pull(registry.push(artifact({"a": b"1"}), "both:2"))
        assert not set(image.layers) & set(files.layers)
