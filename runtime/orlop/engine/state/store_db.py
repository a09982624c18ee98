"""The lasting database: /var/lib/orlop/store.db: images and layers.

Every commit reaches the disk, in a thread, so the event loop never waits for it. Reads come from memory; what another
process (`orlop image import`) wrote is noticed and read again. Pods and containers are in database; CNI DELs that are
owed are in the result cache (orlop.engine.cni.cache), which lasts as long.
"""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from typing import Generic, TypeVar

import msgspec

from orlop.aio.threads import offload
from orlop.engine.state.store_schema import is_settled, open_or_replace, settle
from orlop.model.base import Value, from_json, to_json
from orlop.model.errors import ResourceExhausted, Unavailable
from orlop.model.image import ImageRecord
from orlop.model.layer import LayerRecord

log = logging.getLogger(__name__)

V = TypeVar("V", bound=Value)

Decide = Callable[[tuple[ImageRecord, ...]], tuple[Collection[ImageRecord], Collection[str]]]
"""From all images as they are to records to put and ids to delete. Runs in the transaction: short, and without I/O."""


class StoreDatabase:
    """store.db with its two tables."""

    def __init__(self, path: str) -> None:
        self._connection = open_or_replace(path)
        self._path = path
        self._lock = threading.Lock()
        self._seen = -1
        self._rows: list[Rows[ImageRecord] | Rows[LayerRecord]] = []
        self.images = ImageTable(self)
        self.layers = LayerTable(self)
        self.settled = is_settled(self._connection)
        """Whether what lay on disk before the file was begun is recorded."""
        self._read_if_changed()

    def rows(self, name: str, record_type: type[V]) -> "Rows[V]":
        """One table's rows in memory."""
        rows = Rows(name, record_type)
        self._rows.append(rows)  # type: ignore[arg-type]  # one of the two, by construction
        return rows

    def refresh(self) -> None:
        """Notice what another process has committed; while this process commits itself, a moment later."""
        if self._lock.acquire(blocking=False):
            try:
                self._read_if_changed()
            finally:
                self._lock.release()

    def _read_if_changed(self) -> None:
        """PRAGMA data_version changes by others' commits only."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._seen:
            for rows in self._rows:
                rows.load(self._connection)
            self._seen = version

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All statements within, or none; memory is up to date inside. Blocks until the disk has it."""
        with self._lock, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._read_if_changed()
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                self._seen = -1  # memory may be ahead of what was rolled back
                raise

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise ResourceExhausted(f"cannot write {self._path}: the disk is full") from error
            raise Unavailable(f"cannot write {self._path}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


class Rows(Generic[V]):
    """A table in memory. Replaced, never changed, so that readers need no lock."""

    def __init__(self, name: str, record_type: type[V]) -> None:
        self._name = name
        self._type = record_type
        self.by_id: dict[str, V] = {}

    def load(self, connection: sqlite3.Connection) -> None:
        """Read all rows. One broken row must not keep the others back."""
        found: dict[str, V] = {}
        for row_id, record in connection.execute(f"SELECT id, record FROM {self._name} ORDER BY id"):
            try:
                found[row_id] = from_json(record, self._type)
            except msgspec.DecodeError as error:
                log.error("row %s of table %s in the store is unreadable and left out: %s", row_id, self._name, error)
        self.by_id = found

    def change(self, connection: sqlite3.Connection, put: dict[str, V], delete: Collection[str] = ()) -> None:
        """Write in a transaction, and remember."""
        connection.executemany(f"DELETE FROM {self._name} WHERE id = ?", [(each,) for each in delete])
        connection.executemany(
            f"INSERT OR REPLACE INTO {self._name} VALUES (?, ?)", [(key, to_json(value)) for key, value in put.items()]
        )
        gone = set(delete) - set(put)
        self.by_id = {key: value for key, value in (self.by_id | put).items() if key not in gone}


class ImageTable:
    """Image records."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database
        self._rows = database.rows("images", ImageRecord)

    @property
    def lost(self) -> bool:
        """Whether the database is new although it may have had a predecessor: records are then rebuilt from blobs."""
        return not self._database.settled

    async def settle(self) -> None:
        """They have been rebuilt."""
        await offload(self._settle)

    def _settle(self) -> None:
        with self._database.transaction() as connection:
            settle(connection)
        self._database.settled = True

    def all(self) -> tuple[ImageRecord, ...]:
        """Every image, by id."""
        self._database.refresh()
        return tuple(self._rows.by_id.values())

    def get(self, image_id: str) -> ImageRecord | None:
        """The image with exactly this id."""
        self._database.refresh()
        return self._rows.by_id.get(image_id)

    async def change(self, decide: Decide) -> frozenset[str]:
        """Write what `decide` makes of all images as they are now: records to put and ids to delete, all or nothing.

        Returns the layers that put images need and that are not recorded: then nothing is written.
        """
        return await offload(self._change, decide)

    def _change(self, decide: Decide) -> frozenset[str]:
        with self._database.transaction() as connection:
            put, delete = decide(tuple(self._rows.by_id.values()))
            needed = {layer for image in put for layer in image.layers}
            missing = needed - self._database.layers.recorded()
            if not missing:
                self._rows.change(connection, {image.id: image for image in put}, delete)
            return frozenset(missing)

    def layers_needed(self) -> set[str]:
        """Chain ids of all images."""
        return {layer for image in self._rows.by_id.values() for layer in image.layers}


class LayerTable:
    """Layer records."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database
        self._rows = database.rows("layers", LayerRecord)

    def all(self) -> tuple[LayerRecord, ...]:
        """Every layer."""
        self._database.refresh()
        return tuple(self._rows.by_id.values())

    def get(self, chain_id: str) -> LayerRecord | None:
        """The layer with this chain id."""
        self._database.refresh()
        return self._rows.by_id.get(chain_id)

    def recorded(self) -> set[str]:
        """All chain ids, without a look at the file."""
        return set(self._rows.by_id)

    async def add(self, record: LayerRecord, place: Callable[[], None]) -> None:
        """Record a layer; `place` moves its files into place inside the transaction.

        A layer that is recorded already stays as it is, and `place` is not called.
        """
        await offload(self._add, record, place)

    def _add(self, record: LayerRecord, place: Callable[[], None]) -> None:
        with self._database.transaction() as connection:
            if record.id not in self._rows.by_id:
                place()
                self._rows.change(connection, {record.id: record})

    async def remove_unused(self, keep: Collection[str], discard: Callable[[str], None]) -> tuple[LayerRecord, ...]:
        """Drop layers that no image and nothing in keep needs; `discard` moves the files away in the transaction."""
        return await offload(self._remove_unused, keep, discard)

    def _remove_unused(self, keep: Collection[str], discard: Callable[[str], None]) -> tuple[LayerRecord, ...]:
        with self._database.transaction() as connection:
            needed = self._with_parents(self._database.images.layers_needed() | set(keep))
            unused = tuple(record for record in self._rows.by_id.values() if record.id not in needed)
            for record in unused:
                discard(record.id)
            self._rows.change(connection, {}, [record.id for record in unused])
            return unused

    def _with_parents(self, chain_ids: Collection[str]) -> set[str]:
        found: set[str] = set()
        for chain_id in chain_ids:
            while chain_id and chain_id not in found:
                found.add(chain_id)
                record = self._rows.by_id.get(chain_id)
                chain_id = record.parent if record is not None else ""
        return found

    async def forget(self, chain_ids: Collection[str]) -> None:
        """Drop records whose files have gone."""
        if chain_ids:
            await offload(self._forget, chain_ids)

    def _forget(self, chain_ids: Collection[str]) -> None:
        with self._database.transaction() as connection:
            self._rows.change(connection, {}, chain_ids)
