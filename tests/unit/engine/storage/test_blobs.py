"""Content-addressed blobs: verified when read, swept at start."""

import os

import pytest

from orlop.engine.storage import digests
from orlop.engine.storage.blobs import BlobStore
from orlop.model.errors import DataLoss, NotFound, ResourceExhausted

ONE, TWO = digests.of(b"one"), digests.of(b"two", like="sha512:")


@pytest.fixture
def blobs(tmp_path):
    return BlobStore(str(tmp_path))


async def test_put_read_and_remove(blobs):
    await blobs.put(ONE, b"one")
    await blobs.put(ONE, b"one")
    await blobs.put(TWO, b"two")
    assert await blobs.read(TWO) == b"two"
    assert sorted(blobs.digests()) == sorted([ONE, TWO])
    await blobs.remove([ONE, ONE])
    with pytest.raises(NotFound, match=f"blob {ONE} is not in the store"):
        await blobs.read(ONE)


async def test_damage_on_disk_is_noticed(blobs):
    await blobs.put(ONE, b"one")
    os.truncate(blobs.path(ONE), 1)
    with pytest.raises(DataLoss, match="is damaged"):
        await blobs.read(ONE)


async def test_the_sweep_leaves_what_is_wanted(blobs):
    await blobs.sweep(lambda _: False)
    await blobs.put(ONE, b"one")
    await blobs.put(TWO, b"two")
    os.mknod(os.path.join(os.path.dirname(blobs.path(ONE)), ".half.written"))
    await blobs.sweep(lambda digest: digest == TWO)
    assert blobs.digests() == [TWO]
    assert os.listdir(os.path.dirname(blobs.path(ONE))) == []


async def test_what_cannot_be_written_is_named(blobs, tmp_path):
    (tmp_path / "blobs").write_text("in the way")
    with pytest.raises(ResourceExhausted, match=f"cannot write {blobs.path(ONE)}"):
        await blobs.put(ONE, b"one")
