"""Pods and containers in memory, each change written to the database before it is seen.

`Table` is the same for both: an entry is a record that never changes and a status that is replaced. Reads never touch
the database. What a change means (which states may follow which) is not here but in the services.
"""

import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from orlop.engine.state.database import Database
from orlop.model.base import Value, from_json, to_json
from orlop.model.container import ContainerRecord, ContainerStatus
from orlop.model.errors import InvalidArgument, NotFound
from orlop.model.pod import PodRecord, PodStatus

log = logging.getLogger(__name__)


R = TypeVar("R", bound=Value)
S = TypeVar("S", bound=Value)


@dataclass(slots=True)
class Entry(Generic[R, S]):
    """One object."""

    record: R
    status: S
    listed: bytes = b""
    """What whoever lists it keeps of its encoded message; empty after each change."""


class Table(Generic[R, S]):
    """All objects of one kind, by id."""

    def __init__(self, database: Database, name: str, kind: str, record_type: type[R], status_type: type[S]) -> None:
        self._database = database
        self._name = name
        self._kind = kind
        self._status_type = status_type
        self._entries: dict[str, Entry[R, S]] = {}
        for object_id, record, status in list(database.execute(f"SELECT id, record, status FROM {name}")):
            self._load(object_id, record, status, record_type)

    def _load(self, object_id: str, record: bytes, status: bytes, record_type: type[R]) -> None:
        """One broken row must not keep the others, and so the node, from coming back."""
        try:
            self._entries[object_id] = Entry(from_json(record, record_type), from_json(status, self._status_type))
        except msgspec.DecodeError as error:
            log.error("%s %s has an unreadable record (%s); it is dropped and its parts are collected", self._kind,
                      object_id, error)  # fmt: skip
            self._database.execute(f"DELETE FROM {self._name} WHERE id = ?", (object_id,))

    def __iter__(self) -> Iterator[Entry[R, S]]:
        """All entries, as they are at this moment."""
        return iter(list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, object_id: str) -> bool:
        return object_id in self._entries

    def insert(self, object_id: str, record: R, status: S) -> Entry[R, S]:
        """Add an object. Raises sqlite3.IntegrityError when the id exists, sqlite3.OperationalError on a full disk."""
        self._database.execute(
            f"INSERT INTO {self._name} VALUES (?, ?, ?)", (object_id, to_json(record), to_json(status))
        )
        entry = Entry(record, status)
        self._entries[object_id] = entry
        return entry

    def update(self, object_id: str, **changes: object) -> S:
        """Replace fields of the status. Raises NotFound when the object has gone meanwhile."""
        entry = self.get(object_id)
        status = msgspec.structs.replace(entry.status, **changes)
        self._database.execute(f"UPDATE {self._name} SET status = ? WHERE id = ?", (to_json(status), object_id))
        entry.status = status
        entry.listed = b""
        return status

    def amend(self, object_id: str, record: R) -> None:
        """Replace the record of an object that is still being made. Raises NotFound when it has gone meanwhile."""
        entry = self.get(object_id)
        self._database.execute(f"UPDATE {self._name} SET record = ? WHERE id = ?", (to_json(record), object_id))
        entry.record = record
        entry.listed = b""

    def delete(self, object_id: str) -> None:
        """Forget an object; nothing happens when it is not here."""
        try:
            self._database.execute(f"DELETE FROM {self._name} WHERE id = ?", (object_id,))
        except sqlite3.OperationalError as error:
            # The object itself has gone; a row that survives a full /run is collected at the next start.
            log.warning("cannot delete %s %s from %s: %s", self._kind, object_id, self._database.path, error)
        self._entries.pop(object_id, None)

    def get(self, object_id: str) -> Entry[R, S]:
        """The object with exactly this id. Raises NotFound naming it."""
        entry = self._entries.get(object_id)
        if entry is None:
            raise NotFound(f"no {self._kind} with id {object_id!r}")
        return entry

    def find(self, prefix: str) -> Entry[R, S]:
        """The object whose id begins so (crictl shortens ids). Raises NotFound, or InvalidArgument when several do."""
        entry = self._entries.get(prefix)
        if entry is not None:
            return entry
        found = [entry for key, entry in self._entries.items() if key.startswith(prefix)] if prefix else []
        if not found:
            raise NotFound(f"no {self._kind} with id {prefix!r}")
        if len(found) > 1:
            raise InvalidArgument(f"{len(found)} of kind {self._kind} have ids that begin with {prefix!r}")
        return found[0]


PodEntry = Entry[PodRecord, PodStatus]
ContainerEntry = Entry[ContainerRecord, ContainerStatus]


class State:
    """The pods and containers of this node."""

    def __init__(self, path: str) -> None:
        self._database = Database(path)
        self.pods = Table(self._database, "pods", "pod sandbox", PodRecord, PodStatus)
        self.containers = ContainerTable(self._database)

    def containers_of(self, pod_id: str) -> list[ContainerEntry]:
        """The pod's containers, oldest first."""
        return sorted(self.containers.of_pod(pod_id), key=lambda entry: entry.record.created_at)

    def close(self) -> None:
        """Close the database."""
        self._database.close()


class ContainerTable(Table[ContainerRecord, ContainerStatus]):
    """All containers, found by their pod without a walk over everyone's."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, "containers", "container", ContainerRecord, ContainerStatus)
        self._by_pod: dict[str, dict[str, ContainerEntry]] = {}
        for entry in self:
            self._by_pod.setdefault(entry.record.pod_id, {})[entry.record.id] = entry

    def insert(self, object_id: str, record: ContainerRecord, status: ContainerStatus) -> ContainerEntry:
        """Add a container."""
        entry = super().insert(object_id, record, status)
        self._by_pod.setdefault(record.pod_id, {})[object_id] = entry
        return entry

    def delete(self, object_id: str) -> None:
        """Forget a container; nothing happens when it is not here."""
        if object_id in self:
            pod_id = self.get(object_id).record.pod_id
            siblings = self._by_pod[pod_id]
            siblings.pop(object_id)
            if not siblings:
                del self._by_pod[pod_id]
        super().delete(object_id)

    def of_pod(self, pod_id: str) -> list[ContainerEntry]:
        """The pod's containers in no order."""
        return list(self._by_pod.get(pod_id, {}).values())
