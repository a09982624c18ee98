"""The layer store: a layer is there whole or not at all, whatever stopped the program."""

import asyncio
import os
import stat
import tempfile
import threading
from pathlib import Path

import pytest

from orlop.engine.state.store_db import StoreDatabase
from orlop.engine.storage.layer_mounts import LayerMounts
from orlop.engine.storage.layers import LayerStore
from orlop.model.layer import LayerRecord

pytestmark = pytest.mark.root

BASE, TOP, OTHER = (f"sha256:{each * 64}" for each in "abc")


def record(chain_id: str, parent: str = "") -> LayerRecord:
    return LayerRecord(id=chain_id, diff_id=chain_id, parent=parent, size=100, inodes=3)


@pytest.fixture
def database(tmp_path):
    found = StoreDatabase(str(tmp_path / "store.db"))
    yield found
    found.close()


@pytest.fixture
def layers(tmp_path, database):
    return LayerStore(str(tmp_path), database.layers, LayerMounts(str(tmp_path / "run")))


async def add(layers, chain_id, parent="", *, implicit=(), make=lambda diff: None):
    async with layers.staging() as home:
        make(os.path.join(home, "diff"))
        await layers.commit(home, record(chain_id, parent), implicit)


async def until(condition):
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen in 5 s")


def on_disk(tmp_path):
    return sorted(name[0] for name in os.listdir(tmp_path / "layers")), os.listdir(tmp_path / "tmp")


async def test_a_committed_layer_is_in_place_and_counted(layers, tmp_path):
    await add(layers, BASE, make=lambda diff: os.mkdir(f"{diff}/etc"))
    await add(layers, TOP, BASE)
    assert os.listdir(layers.path(BASE)) == ["etc"]
    assert layers.chain(TOP) == [TOP, BASE]
    assert layers.usage() == (200, 6)
    assert on_disk(tmp_path) == (["a", "b"], [])
    assert stat.S_IMODE(os.stat(tmp_path / "layers").st_mode) == 0o700


async def test_a_layer_that_fails_leaves_nothing(layers, tmp_path):
    with pytest.raises(RuntimeError):
        async with layers.staging() as home:
            os.mkdir(f"{home}/diff/etc")
            raise RuntimeError("broken")
    assert on_disk(tmp_path) == ([], [])


async def test_a_cancelled_layer_leaves_nothing(layers, tmp_path):
    async def hang():
        async with layers.staging():
            await asyncio.sleep(60)

    task = asyncio.create_task(hang())
    await until(lambda: bool(os.listdir(tmp_path / "tmp")))
    task.cancel()
    await asyncio.wait([task])
    assert on_disk(tmp_path) == ([], [])


@pytest.mark.parametrize("step", ["_complete", "_place"])
async def test_a_layer_whose_pull_is_cancelled_while_it_is_committed_is_whole_or_gone(
    layers, tmp_path, monkeypatch, step
):
    reached, go_on = threading.Event(), threading.Event()
    real = getattr(LayerStore, step)

    def slow(self, home, *rest):
        reached.set()
        go_on.wait(60)
        real(self, home, *rest)

    monkeypatch.setattr(LayerStore, step, slow)
    task = asyncio.create_task(add(layers, BASE, make=lambda diff: Path(diff, "file").touch()))
    await until(reached.is_set)
    task.cancel()
    await asyncio.sleep(0.1)  # for a removal that would not wait
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert os.listdir(tmp_path / "tmp") == []
    assert layers.get(BASE) is not None and os.listdir(layers.path(BASE)) == ["file"]


async def test_a_layer_that_is_cancelled_while_its_directory_is_made_leaves_nothing(layers, tmp_path, monkeypatch):
    made, go_on = threading.Event(), threading.Event()
    real = tempfile.mkdtemp

    def slow(**place):
        path = real(**place)
        made.set()
        go_on.wait(60)
        return path

    monkeypatch.setattr(tempfile, "mkdtemp", slow)
    before = os.listdir("/proc/self/fd")
    task = asyncio.create_task(add(layers, BASE))
    await until(made.is_set)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert on_disk(tmp_path) == ([], [])
    assert len(os.listdir("/proc/self/fd")) == len(before)


async def test_the_second_of_two_equal_commits_changes_nothing(layers, tmp_path):
    await add(layers, BASE, make=lambda diff: os.mkdir(f"{diff}/first"))
    await add(layers, BASE, make=lambda diff: os.mkdir(f"{diff}/second"))
    assert os.listdir(layers.path(BASE)) == ["first"]
    assert on_disk(tmp_path) == (["a"], [])


async def test_directories_that_are_not_listed_take_after_those_below(layers):
    def base(diff):
        os.chmod(diff, 0o711)
        os.mkdir(f"{diff}/tmp")
        os.chmod(f"{diff}/tmp", 0o1777)
        os.chown(f"{diff}/tmp", 5, 6)
        os.setxattr(f"{diff}/tmp", "user.note", b"kept")
        os.utime(f"{diff}/tmp", ns=(0, 77))
        os.symlink("/etc", f"{diff}/link")

    def top(diff):
        os.makedirs(f"{diff}/tmp/new")
        os.mkdir(f"{diff}/link")

    await add(layers, BASE, make=base)
    await add(layers, OTHER, BASE)
    await add(layers, TOP, OTHER, implicit=["/", "/tmp", "/tmp/new", "/link"], make=top)
    diff = layers.path(TOP)
    status = os.stat(f"{diff}/tmp")
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns) == (0o1777, 5, 6, 77)
    assert os.getxattr(f"{diff}/tmp", "user.note") == b"kept"
    assert stat.S_IMODE(os.stat(f"{diff}/tmp/new").st_mode) == 0o755
    assert stat.S_IMODE(os.stat(f"{diff}/link").st_mode) == 0o755, (
        "a link below leads nowhere, least of all to the node"
    )


async def test_collect_removes_what_nothing_needs(layers, tmp_path):
    await add(layers, BASE)
    await add(layers, TOP, BASE)
    await add(layers, OTHER)
    assert [each.id for each in await layers.collect([TOP])] == [OTHER]
    assert on_disk(tmp_path) == (["a", "b"], [])
    await layers.collect([])
    assert on_disk(tmp_path) == ([], []) and layers.get(BASE) is None


@pytest.mark.parametrize("path", [os.environ["PATH"], "/nowhere"])
async def test_a_large_layer_goes_by_a_process_of_its_own_if_there_is_one(layers, tmp_path, monkeypatch, path):
    async with layers.staging() as home:
        for number in range(3):
            os.makedirs(f"{home}/diff/{number}/-rf\n")
        os.symlink("/", f"{home}/diff/away")
        big = LayerRecord(id=BASE, diff_id=BASE, parent="", size=1, inodes=100_000)
        await layers.commit(home, big, ())
    monkeypatch.setenv("PATH", path)
    assert [each.id for each in await layers.collect([])] == [BASE]
    assert on_disk(tmp_path) == ([], [])


async def test_repair_after_a_kill_at_any_moment(layers, tmp_path, caplog):
    await add(layers, BASE)
    await add(layers, TOP, BASE)
    os.makedirs(tmp_path / "tmp" / "half-unpacked" / "diff" / "etc")
    os.makedirs(tmp_path / "tmp" / "gone-1" / "layer")
    os.makedirs(tmp_path / "layers" / ("c" * 64) / "diff")  # without layer.json
    os.rename(tmp_path / "layers" / ("b" * 64), tmp_path / "elsewhere")
    await layers.repair()
    assert on_disk(tmp_path) == (["a"], [])
    assert layers.get(TOP) is None and layers.get(BASE) is not None
    assert TOP in caplog.text


async def test_repair_records_complete_layers_again(layers, tmp_path):
    await add(layers, BASE)
    fresh = StoreDatabase(str(tmp_path / "new.db"))
    again = LayerStore(str(tmp_path), fresh.layers, LayerMounts(str(tmp_path / "run")))
    await again.repair()
    assert again.get(BASE) == record(BASE)
    fresh.close()


async def test_repair_leaves_what_another_process_is_unpacking(layers, tmp_path):
    async with layers.staging() as home:
        await layers.repair()
        assert os.path.isdir(home)  # noqa: ASYNC240  # a test has nothing else to do
        await layers.commit(home, record(BASE), [])
    assert on_disk(tmp_path) == (["a"], [])


async def test_rubbish_in_a_layers_place_is_replaced(layers, tmp_path):
    os.makedirs(tmp_path / "layers" / ("a" * 64) / "diff" / "rubbish")
    await add(layers, BASE)
    assert os.listdir(layers.path(BASE)) == []
