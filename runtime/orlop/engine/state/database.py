"""The volatile database: /run/orlop/state.db, which a reboot ends together with what it describes.

One table for pods and one for containers, each row a record (never changed) and a status (replaced as a whole), both
JSON. It lies on a tmpfs, so a commit is a few memory copies; it is written from the event loop's thread alone. Images
and everything else that outlives a reboot are in store_db.
"""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator

from orlop.engine.state.damage import is_damaged
from orlop.model.errors import ResourceExhausted

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE pods (id TEXT PRIMARY KEY, record BLOB NOT NULL, status BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE containers (id TEXT PRIMARY KEY, record BLOB NOT NULL, status BLOB NOT NULL) WITHOUT ROWID;
"""


class Database:
    """A connection with its schema in place. Raises ResourceExhausted where the file cannot be opened now.

    A file that SQLite cannot read, or that a later version wrote, is moved aside under a name that the log tells:
    recovery then finds the pods by what the kernel shows, and removes them, rather than refusing to start.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._connection = _open(path)
        except (sqlite3.DatabaseError, _OtherVersion) as error:
            if isinstance(error, sqlite3.Error) and not is_damaged(error):
                # A full /run, say. With an empty database every pod of the node would be taken for a stray.
                raise ResourceExhausted(f"state database {path} cannot be opened: {error}") from error
            aside = f"{path}.unreadable"
            log.error(
                "state database %s is unreadable (%s); it is kept as %s and a new one is begun", path, error, aside
            )
            _move_aside(path, aside)
            self._connection = _open(path)

    def execute(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """Run one statement; a change outside `transaction` is one of its own."""
        return self._connection.execute(statement, values)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements within, or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file. Nothing needs to be flushed."""
        self._connection.close()


class _OtherVersion(Exception):
    """The file is of another schema."""


def _open(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        # A crash of the daemon loses nothing that reached the page cache, and a crash of the machine loses /run anyway.
        connection.execute("PRAGMA synchronous=OFF")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            raise _OtherVersion(f"schema {version}, this daemon knows {SCHEMA_VERSION}")
    except BaseException:
        connection.close()
        raise
    os.chmod(path, 0o600)
    return connection


def _move_aside(path: str, aside: str) -> None:
    os.replace(path, aside)
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + suffix)
