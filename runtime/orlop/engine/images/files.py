"""Small files of the administrator that are read again when they have changed: whether they have, and their content."""

import os
import stat
from collections.abc import Sequence

from orlop.linux.files import read_bytes
from orlop.model.errors import InvalidArgument

MAX_FILE = 1 << 20

Mark = tuple[tuple[str, int, int, int], ...]


def mark(paths: Sequence[str]) -> Mark:
    """Tells one state of some files from another: path, inode, size and time of each that is there."""
    found = []
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            found.append((path, status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def drop_ins(directory: str, suffix: str) -> list[str]:
    """Files of a directory in name order; none where there is no directory."""
    try:
        return sorted(os.path.join(directory, name) for name in os.listdir(directory) if name.endswith(suffix))
    except OSError:
        return []


def content(path: str) -> bytes:
    """A file of at most MAX_FILE bytes. Raises InvalidArgument naming it."""
    try:
        return read_bytes(path, limit=MAX_FILE)
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read: {error.strerror}") from error
