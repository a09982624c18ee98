"""The schema of store.db and the opening of the file. What is in the tables is in store_db.

A file that SQLite cannot read, or that a later version wrote, is moved aside under a name that the log tells: images
are rebuilt from what lies on disk beside it.
"""

import contextlib
import logging
import os
import sqlite3

from orlop.engine.state.damage import is_damaged
from orlop.model.errors import ResourceExhausted

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
BUSY_TIMEOUT = 30.0
"""Seconds to wait for another process's transaction, such as that of `orlop image import`."""

_SCHEMA = """
CREATE TABLE images (id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE layers (id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
"""


class UnknownSchema(Exception):
    """The file is of another schema."""


def open_or_replace(path: str) -> sqlite3.Connection:
    """A connection with the schema in place. Raises ResourceExhausted where the file cannot be opened now."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    try:
        return _open(path)
    except (sqlite3.DatabaseError, UnknownSchema) as error:
        if isinstance(error, sqlite3.Error) and not is_damaged(error):
            raise ResourceExhausted(f"store database {path} cannot be opened: {error}") from error
        aside = f"{path}.unreadable"
        log.error("store database %s is unreadable (%s); it is kept as %s, and images are rebuilt from what is on disk",
                  path, error, aside)  # fmt: skip
        _move_aside(path, aside)
        return _open(path)


def is_settled(connection: sqlite3.Connection) -> bool:
    """Whether what was on disk when the file was begun is recorded. In the file, for any process may begin it."""
    return bool(connection.execute("PRAGMA application_id").fetchone()[0])


def settle(connection: sqlite3.Connection) -> None:
    """Say so."""
    connection.execute("PRAGMA application_id=1")


def _open(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        elif version != SCHEMA_VERSION:
            raise UnknownSchema(f"schema {version}, this version knows {SCHEMA_VERSION}")
        connection.execute("COMMIT")
        _check(connection)
    except BaseException:
        connection.close()
        raise
    os.chmod(path, 0o600)
    return connection


def _check(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _move_aside(path: str, aside: str) -> None:
    os.replace(path, aside)
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + suffix)
