"""Writable roots over layers: mounted, written, counted, and gone without a trace."""

import os
import stat

import pytest

from orlop.engine.state.store_db import StoreDatabase
from orlop.engine.storage import rootfs
from orlop.engine.storage.layer_mounts import LayerMounts
from orlop.engine.storage.layers import LayerStore
from orlop.engine.storage.rootfs import RootFilesystems
from orlop.linux import mounts
from orlop.linux.files import read_text
from orlop.model.errors import FailedPrecondition, InvalidArgument, ResourceExhausted
from orlop.model.layer import LayerRecord

pytestmark = pytest.mark.root


@pytest.fixture
def database(tmp_path):
    found = StoreDatabase(str(tmp_path / "root" / "store.db"))
    yield found
    found.close()


@pytest.fixture
def layers(tmp_path, database):
    return LayerStore(str(tmp_path / "root"), database.layers, LayerMounts(str(tmp_path / "run")))


@pytest.fixture
def roots(tmp_path, layers):
    return RootFilesystems(str(tmp_path / "root"), str(tmp_path / "state"), layers)


def write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


async def chain(layers, count):
    """Layers, each with a file of its number and one that the next replaces."""
    ids, parent = [], ""
    for number in range(count):
        chain_id = f"sha256:{number:064x}"
        async with layers.staging() as home:
            for name in (f"own{number}", "top"):
                write(f"{home}/diff/{name}", str(number))
            record = LayerRecord(id=chain_id, diff_id=chain_id, parent=parent, size=1, inodes=2)
            await layers.commit(home, record, [])
        ids.append(chain_id)
        parent = chain_id
    return ids


@pytest.mark.parametrize("count", [1, 3, 128])
async def test_any_number_of_layers(roots, layers, tmp_path, count):
    mount = await roots.prepare("c1", await chain(layers, count))
    assert len(os.listdir(mount.path)) == count + 1
    assert read_text(f"{mount.path}/top") == str(count - 1)
    write(f"{mount.path}/new", "x")
    assert os.listdir(mount.upper) == ["new"]
    await roots.release("c1")
    await roots.release("c1")
    assert os.listdir(tmp_path / "root" / "containers") == os.listdir(tmp_path / "state" / "containers") == []


async def test_an_image_without_layers(roots):
    mount = await roots.prepare("c1", [])
    assert os.listdir(mount.path) == []
    os.mkdir(f"{mount.path}/made")
    await roots.release("c1")


async def test_the_root_looks_as_the_image_says(roots, layers):
    (layer,) = await chain(layers, 1)
    os.chmod(layers.path(layer), 0o750)
    os.chown(layers.path(layer), 11, 12)
    status = os.stat((await roots.prepare("c1", [layer])).path)
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o750, 11, 12)
    await roots.release("c1")


async def test_preparing_again_begins_anew(roots, layers):
    ids = await chain(layers, 1)
    mount = await roots.prepare("c1", ids)
    os.mkdir(f"{mount.path}/old")
    again = await roots.prepare("c1", ids)
    assert again == mount and "old" not in os.listdir(again.path)
    await roots.release("c1")
    assert not mounts.is_mountpoint(mount.path)


async def test_what_is_missing_is_named_and_nothing_is_left(roots, layers, tmp_path, monkeypatch):
    with pytest.raises(FailedPrecondition, match=f"container c1 needs layer sha256:{'f' * 64}"):
        await roots.prepare("c1", ["sha256:" + "f" * 64])
    ids = await chain(layers, 1)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/somewhere")

    monkeypatch.setattr(rootfs.mounts, "overlay", refuse)
    with pytest.raises(ResourceExhausted, match=r"root of container c1: .*No space left on device: '/somewhere'"):
        await roots.prepare("c1", ids)
    assert os.listdir(tmp_path / "root" / "containers") == []


@pytest.mark.parametrize("container_id", ["", "../x", "a/b", ".hidden"])
async def test_ids_are_no_paths(roots, container_id):
    for verb in (roots.release(container_id), roots.prepare(container_id, [])):
        with pytest.raises(InvalidArgument, match="cannot be a container id"):
            await verb


async def test_usage_is_counted_once_in_a_while(roots, layers, monkeypatch):
    assert await roots.usage("unknown") == (0, 0)
    mount = await roots.prepare("c1", await chain(layers, 1))
    before = await roots.usage("c1")
    write(f"{mount.path}/data", "x" * 100_000)
    assert await roots.usage("c1") == before, "not walked again so soon"
    monkeypatch.setattr(rootfs, "USAGE_AGE", 0.0)
    roots._usage.clear()
    size, inodes = await roots.usage("c1")
    assert size >= 100_000 and inodes == before[1] + 1
    for number in range(rootfs.SMALL):
        write(f"{mount.path}/f{number}", "")
    roots._usage.clear()
    assert (await roots.usage("c1"))[1] == inodes + rootfs.SMALL, "in a thread now"
    await roots.release("c1")
    assert await roots.usage("c1") == (0, 0)


async def test_after_a_restart_containers_and_their_layers_are_known(roots, layers, tmp_path):
    ids = await chain(layers, 2)
    await roots.prepare("c1", ids)
    await roots.prepare("c2", [])
    again = RootFilesystems(str(tmp_path / "root"), str(tmp_path / "state"), layers)
    assert sorted(await again.ids()) == ["c1", "c2"]
    assert await again.layers_in_use() == frozenset(ids)
    for container_id in await again.ids():
        await again.release(container_id)


@pytest.mark.parametrize("count", [0, 1, 2])
async def test_an_image_is_mounted_read_only_beside_the_root(roots, layers, tmp_path, count):
    ids = await chain(layers, count)
    await roots.prepare("c1", [])
    path = await roots.mount_image("c1", 0, ids)
    assert sorted(os.listdir(path)) == sorted([f"own{each}" for each in range(count)] + ["top"] * bool(count))
    with pytest.raises(OSError, match="Read-only file system"):
        write(f"{path}/new", "x")
    assert await roots.layers_in_use() == frozenset(ids), "else they could be collected under the mount"
    await roots.release("c1")
    assert not mounts.is_mountpoint(path) and os.listdir(tmp_path / "state" / "containers") == []
    assert [len(os.listdir(layers.path(each))) for each in ids] == [2] * count, "what was mounted is untouched"
    assert await roots.layers_in_use() == frozenset()


async def test_others_files_beside_the_mount_point_stay(roots, tmp_path):
    mount = await roots.prepare("c1", [])
    config = os.path.join(os.path.dirname(mount.path), "config.json")
    write(config, "{}")
    await roots.release("c1")
    assert os.listdir(tmp_path / "state" / "containers" / "c1") == ["config.json"]
