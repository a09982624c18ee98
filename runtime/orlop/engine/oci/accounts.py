"""An image's /etc/passwd and /etc/group (passwd(5), group(5)), opened inside its root. The files are not trusted."""

import os
from functools import cached_property

import msgspec

from orlop.linux.paths import open_file_in_root
from orlop.model.errors import InvalidArgument

FILE_LIMIT = 4 << 20
"""Bytes that either file may have."""

ID_LIMIT = (1 << 32) - 1
"""No uid or gid is as large as this: the kernel uses it for "none"."""


class PasswdEntry(msgspec.Struct, frozen=True):
    """One account."""

    name: str
    uid: int
    gid: int
    home: str


class GroupEntry(msgspec.Struct, frozen=True):
    """One group with the names of its members."""

    name: str
    gid: int
    members: tuple[str, ...]


class Accounts:
    """The accounts of one root filesystem. Each file is read once, when first asked for; a missing one is empty."""

    def __init__(self, rootfs: str) -> None:
        self._rootfs = rootfs

    @cached_property
    def users(self) -> tuple[PasswdEntry, ...]:
        """Entries of /etc/passwd; malformed lines are left out, as libc does."""
        rows = (line.split(":") for line in self._lines("/etc/passwd"))
        return tuple(
            PasswdEntry(row[0], int(row[2]), int(row[3]), row[5])
            for row in rows
            if len(row) >= 6 and row[0] and _is_id(row[2]) and _is_id(row[3])
        )

    @cached_property
    def groups(self) -> tuple[GroupEntry, ...]:
        """Entries of /etc/group; malformed lines are left out."""
        rows = (line.split(":") for line in self._lines("/etc/group"))
        return tuple(
            GroupEntry(row[0], int(row[2]), tuple(filter(None, row[3].split(","))))
            for row in rows
            if len(row) >= 4 and row[0] and _is_id(row[2])
        )

    def user(self, name: str) -> PasswdEntry | None:
        """The account with this login name."""
        return next((entry for entry in self.users if entry.name == name), None)

    def user_with_id(self, uid: int) -> PasswdEntry | None:
        """The first account with this uid."""
        return next((entry for entry in self.users if entry.uid == uid), None)

    def group(self, name: str) -> GroupEntry | None:
        """The group with this name."""
        return next((entry for entry in self.groups if entry.name == name), None)

    def memberships(self, name: str) -> tuple[int, ...]:
        """Groups that list this login name as a member, in the file's order."""
        return tuple(entry.gid for entry in self.groups if name in entry.members)

    def _lines(self, path: str) -> list[str]:
        try:
            fd = open_file_in_root(self._rootfs, path)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise InvalidArgument(f"cannot read {path} of the image: {error.strerror}") from error
        with os.fdopen(fd, "rb") as file:
            data = file.read(FILE_LIMIT + 1)
        if len(data) > FILE_LIMIT:
            raise InvalidArgument(f"{path} of the image is larger than {FILE_LIMIT >> 20} MiB")
        return [line for line in map(str.strip, data.decode(errors="replace").split("\n")) if not line.startswith("#")]


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < ID_LIMIT
