"""What an error of SQLite says about a database's file: that it is damaged, or only that it cannot be had now."""

import sqlite3

_OF_THE_FILE = (
    sqlite3.SQLITE_ERROR,  # a format of the schema that this SQLite does not know
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
)
"""Among the operational errors. The others pass: a full disk, a lock, a limit of memory or of open files."""


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether another try with the same file must fail too (SQLite, "Result and Error Codes")."""
    return not isinstance(error, sqlite3.OperationalError) or error.sqlite_errorcode in _OF_THE_FILE
