"""The lasting database: what is written survives, another process's writes are seen, damage is put aside."""

import asyncio
import logging
import os
import sqlite3
import threading

import pytest

from orlop.engine.state import store_schema
from orlop.engine.state.store_db import StoreDatabase
from orlop.model.errors import ResourceExhausted, Unavailable
from orlop.model.image import ImageConfig, ImageRecord
from orlop.model.layer import LayerRecord

IMAGE = ImageRecord(id="sha256:1", manifest_digest="sha256:m", tags=("h/a:1",), layers=("L1", "L2"),
                    config=ImageConfig(env=("A=é",)), annotations={"k": "v"})  # fmt: skip


def layer(chain_id: str, parent: str = "") -> LayerRecord:
    return LayerRecord(id=chain_id, diff_id=f"d{chain_id}", parent=parent, size=10, inodes=2)


def nothing() -> None:
    """Nothing is to be moved."""


def put(*images: ImageRecord):
    return lambda _: (images, ())


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "sub" / "store.db")


@pytest.fixture
def database(path):
    found = StoreDatabase(path)
    yield found
    found.close()


async def fill(database: StoreDatabase) -> None:
    await database.layers.add(layer("L1"), nothing)
    await database.layers.add(layer("L2", "L1"), nothing)
    assert await database.images.change(put(IMAGE)) == frozenset()


def check_full(database: StoreDatabase) -> None:
    assert database.images.all() == (IMAGE,) and database.images.get("sha256:1") == IMAGE
    assert database.layers.all() == (layer("L1"), layer("L2", "L1")) and database.layers.get("L2") is not None


async def test_everything_survives_a_process_that_is_killed(path, database):
    await fill(database)
    check_full(database)
    again = StoreDatabase(path)
    check_full(again)
    again.close()
    assert os.stat(path).st_mode & 0o777 == 0o600


async def test_it_counts_as_lost_until_somebody_has_looked_at_the_disk(path, database):
    other = StoreDatabase(path)
    assert database.images.lost and other.images.lost
    await other.images.settle()
    other.close()
    again = StoreDatabase(path)
    assert not again.images.lost
    again.close()


async def test_another_processs_writes_are_seen_at_once(path, database):
    other = StoreDatabase(path)
    await fill(other)
    check_full(database)
    await database.images.change(lambda _: ((), ["sha256:1", "unknown"]))
    assert other.images.all() == ()
    other.close()


async def test_an_image_needs_its_layers(database):
    await database.layers.add(layer("L1"), nothing)
    assert await database.images.change(put(IMAGE)) == {"L2"}
    assert database.images.all() == ()


async def test_decisions_are_made_on_what_is_there_now(path, database):
    await fill(database)
    other = StoreDatabase(path)
    seen = []

    def decide(images):
        seen.extend(images)
        return (), [images[0].id]

    assert await other.images.change(decide) == frozenset()
    assert seen == [IMAGE] and database.images.all() == ()
    other.close()


async def test_a_layer_is_placed_in_the_transaction_and_once(database):
    placed = []
    await database.layers.add(layer("L1"), lambda: placed.append(1))
    await database.layers.add(layer("L1"), lambda: placed.append(2))
    assert placed == [1]

    def fail():
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        await database.layers.add(layer("L9"), fail)
    assert database.layers.get("L9") is None
    await database.layers.add(layer("L3"), nothing)
    assert database.layers.get("L3") is not None, "the failure left no transaction open"


async def test_unused_layers_go_with_all_that_is_kept_respected(database):
    await fill(database)
    for record in (layer("U1"), layer("K1"), layer("K2", "K1"), layer("U2", "K1")):
        await database.layers.add(record, nothing)
    discarded: list[str] = []
    removed = await database.layers.remove_unused(["K2"], discarded.append)
    assert sorted(discarded) == ["U1", "U2"] == sorted(record.id for record in removed)
    assert sorted(record.id for record in database.layers.all()) == ["K1", "K2", "L1", "L2"]
    await database.layers.forget(["K2"])
    assert database.layers.get("K2") is None
    await database.layers.forget([])


async def test_the_loop_does_not_wait_for_a_commit(path, database):
    """Another process holds the write lock; reads go on meanwhile, and the write gets through afterwards."""
    await fill(database)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(database.images.change(lambda _: ((), ["sha256:1"])))
    await asyncio.sleep(0.05)
    assert not writing.done()
    check_full(database)
    other.execute("ROLLBACK")
    await asyncio.wait_for(writing, 5)
    assert database.images.all() == ()
    other.close()


async def test_a_lock_that_is_never_given_back(path, monkeypatch):
    monkeypatch.setattr(store_schema, "BUSY_TIMEOUT", 0.05)
    database = StoreDatabase(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match=r"cannot write .*store.db: database is locked"):
        await database.layers.forget(["L1"])
    other.close()
    database.close()


async def test_a_full_disk_is_named_and_nothing_changes(path, database):
    await fill(database)
    database._connection.execute("PRAGMA max_page_count=1")  # SQLite's own way to run out of space
    with pytest.raises(ResourceExhausted, match=f"cannot write {path}: the disk is full"):
        await database.layers.add(layer("L" * 100_000), nothing)
    check_full(database)


async def test_one_unreadable_row_does_not_hide_the_others(path, database, caplog):
    await fill(database)
    with sqlite3.connect(path) as other:
        other.execute("UPDATE layers SET record = ? WHERE id = 'L1'", (b'{"id": 7}',))
    other.close()
    with caplog.at_level(logging.ERROR):
        assert [record.id for record in database.layers.all()] == ["L2"]
    assert "L1" in caplog.text and "$.id" in caplog.text


def overwrite(path: str, damage: bytes | str) -> None:
    """The whole file, or two pages in its middle."""
    with open(path, "r+b" if damage == "middle" else "wb") as file:
        file.seek(4096 if damage == "middle" else 0)
        file.write(os.urandom(8192) if isinstance(damage, str) else damage)


@pytest.mark.parametrize("damage", [b"no database" * 500, b"SQLite format 3\x00" + b"\xff" * 8000, "middle", "version"])
async def test_a_damaged_file_is_put_aside(path, damage, caplog):
    database = StoreDatabase(path)
    await fill(database)
    if damage == "version":
        database._connection.execute("PRAGMA user_version=99")
    database.close()
    if damage != "version":
        overwrite(path, damage)
    with caplog.at_level(logging.ERROR):
        again = StoreDatabase(path)
    assert again.images.lost and again.images.all() == ()
    assert f"{os.path.basename(path)}.unreadable" in os.listdir(os.path.dirname(path)) and path in caplog.text
    await fill(again)
    check_full(again)
    again.close()


async def test_two_processes_begin_the_same_file_at_once(path):
    made, errors = [], []

    def begin():
        try:
            made.append(StoreDatabase(path))
        except Exception as error:  # the test is about there being none
            errors.append(error)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and not [name for name in os.listdir(os.path.dirname(path)) if "unreadable" in name]
    await fill(made[0])
    for database in made:
        check_full(database)
        database.close()
