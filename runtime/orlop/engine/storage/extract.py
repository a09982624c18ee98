"""Tar entries onto a filesystem whose root is the layer's: files, links, devices, ownership, attributes.

Runs after chroot(2) into the layer, so no name and no symbolic link can lead out of it: a link is followed as a process
in the container would follow it. Whiteouts are in whiteouts; choosing what may be in a tar is in tar_headers.
"""

from __future__ import annotations

import errno
import os
import stat

from orlop.engine.storage.tar_headers import (
    BLOCK_DEVICE,
    CHAR,
    DIRECTORY,
    FIFO,
    FILE,
    HARD_LINK,
    SYMLINK,
    Entry,
    show,
)
from orlop.engine.storage.tar_stream import TarStream
from orlop.engine.storage.whiteouts import Whiteouts

TYPE_CHECKING = False  # as in typing, without importing it
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_IMPLICIT = 100_000
MAX_REMEMBERED = 256 << 20
"""Bytes of the paths of directories and whiteouts: they are kept until the layer's end."""
_PAGE = 4096
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class EntryError(Exception):
    """An entry cannot be unpacked. Its number tells a full disk (ENOSPC) from a bad archive (0)."""

    def __init__(self, text: str, number: int = 0) -> None:
        super().__init__(text)
        self.number = number


class Extracted:
    """What an unpacked layer holds."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes on disk: file sizes rounded up to pages."""
        self.inodes = 0
        self.implicit: list[bytes] = []
        """Directories that the tar does not list and that hold something: they take after the layers below."""


def normalise(name: bytes, *, what: str = "entry") -> bytes:
    """An absolute path inside the root. A name that climbs out of it is refused; a leading slash means the root."""
    parts: list[bytes] = []
    for part in name.split(b"/"):
        if part == b"..":
            if not parts:
                raise EntryError(f"{what} {show(name)} leads out of the layer's root")
            parts.pop()
        elif part and part != b".":
            parts.append(part)
    return b"/" + b"/".join(parts)


class Extractor:
    """Unpacks one layer into "/"."""

    def __init__(self, *, base: bool) -> None:
        """A base layer has nothing below it to be hidden: its whiteouts are left out."""
        self.result = Extracted()
        self._whiteouts = Whiteouts(base=base)
        self._known = {b"/"}
        self._implicit = {b"/"}
        self._times: dict[bytes, int] = {}
        self._remembered = 0
        self._hands_down = False
        """Whether a directory has the set-group-ID bit: what is made in it has its group, not root's (inode(7))."""

    def unpack(self, tar: TarStream) -> Extracted:
        """All entries of a tar."""
        os.umask(0)
        while (entry := tar.next_entry()) is not None:
            try:
                self._apply(entry, tar)
            except OSError as error:
                text = f"entry {show(entry.name)}: {os.strerror(error.errno or 0)}"
                raise EntryError(text, error.errno or 0) from error
        tar.drain()
        for path, mtime in self._times.items():
            self._set_directory_time(path, mtime)
        self.result.implicit = sorted(self._implicit)
        return self.result

    def _apply(self, entry: Entry, tar: TarStream) -> None:
        path = normalise(entry.name)
        parent, _, base = path.rpartition(b"/")
        if parent not in self._known:
            self._ensure_parent(parent or b"/")
        if base.startswith(b".wh."):
            self._remember(path)
            self._whiteouts.apply(parent, base)
        elif entry.kind == DIRECTORY:
            self._directory(path, entry)
        else:
            self._other(path, entry, tar)

    def _other(self, path: bytes, entry: Entry, tar: TarStream) -> None:
        if path == b"/":
            raise EntryError(f"entry {show(entry.name)} would replace the layer's root")
        if entry.kind == FILE:
            self._file(path, entry, tar)
        elif entry.kind == HARD_LINK:
            self._hard_link(path, entry)
            return  # owner, mode and times are its target's
        elif entry.kind == SYMLINK:
            self._make(path, lambda: os.symlink(entry.link, path))
        elif entry.kind in (CHAR, BLOCK_DEVICE):
            kind = stat.S_IFCHR if entry.kind == CHAR else stat.S_IFBLK
            self._make(path, lambda: os.mknod(path, kind | entry.mode, os.makedev(entry.major, entry.minor)))
        elif entry.kind == FIFO:
            self._make(path, lambda: os.mkfifo(path, entry.mode))
        else:
            raise EntryError(f"entry {show(entry.name)} has the unknown type {entry.kind!r}")
        self.result.inodes += 1
        if entry.kind != FILE:
            self._attributes(path, entry)

    def _directory(self, path: bytes, entry: Entry) -> None:
        """Make it, or keep the one that is here and take over the attributes."""
        try:
            os.mkdir(path, 0o755)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                self._remove(path)
                os.mkdir(path, 0o755)
                self._count_directory()
            elif path in self._implicit:
                self._implicit.remove(path)
        else:
            self._count_directory()
        self._whiteouts.made_directory(path)
        self._remember(path)
        self._known.add(path)
        self._attributes(path, entry)
        self._times[path] = entry.mtime_ns
        self._hands_down = self._hands_down or bool(entry.mode & stat.S_ISGID)

    def _count_directory(self) -> None:
        self.result.inodes += 1
        self.result.size += _PAGE

    def _file(self, path: bytes, entry: Entry, tar: TarStream) -> None:
        mode = entry.mode & 0o777
        try:
            fd = os.open(path, _CREATE, mode)
        except FileExistsError:
            self._remove(path)
            fd = os.open(path, _CREATE, mode)
        try:
            if entry.sparse is None:
                for piece in tar.data():
                    _write(fd, piece)
            else:
                _write_sparse(fd, entry, tar.data())
            if entry.uid or entry.gid or self._hands_down:
                os.fchown(fd, entry.uid, entry.gid)
            for name, value in entry.xattrs.items():
                _set_xattr(fd, name, value)
            if entry.mode & 0o7000:  # after chown(2), which clears them
                os.fchmod(fd, entry.mode)
            os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(fd)
        self.result.size += -(-entry.size // _PAGE) * _PAGE

    def _hard_link(self, path: bytes, entry: Entry) -> None:
        target = normalise(entry.link, what=f"hard link {show(entry.name)} to")
        if target == path:
            return
        try:
            self._make(path, lambda: os.link(target, path, follow_symlinks=False))
        except FileNotFoundError as error:
            raise EntryError(
                f"hard link {show(entry.name)} to {show(entry.link)}, which the layer does not have"
            ) from error

    def _make(self, path: bytes, make: Callable[[], None]) -> None:
        try:
            make()
        except FileExistsError:
            self._remove(path)
            make()

    def _remove(self, path: bytes) -> None:
        """A later entry of the same name replaces what is there."""
        if stat.S_ISDIR(os.lstat(path).st_mode):
            _remove_tree(path)
            self._known = {b"/"}  # what was known below it is gone
            self._implicit -= {each for each in self._implicit if (each + b"/").startswith(path + b"/")}
            self._times.pop(path, None)
        else:
            os.unlink(path)

    def _attributes(self, path: bytes, entry: Entry) -> None:
        if entry.uid or entry.gid or self._hands_down or entry.kind == DIRECTORY:
            os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
        for name, value in entry.xattrs.items():
            _set_xattr(path, name, value)
        if entry.kind != SYMLINK:
            os.chmod(path, entry.mode)
        if entry.kind != DIRECTORY:
            os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)

    def _ensure_parent(self, parent: bytes) -> None:
        """The directory that an entry goes into: missing ones are made, links are followed inside the root."""
        try:
            there = stat.S_ISDIR(os.stat(parent).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            there = False
        if not there:
            made = b"/"
            for part in os.path.realpath(parent).split(b"/")[1:]:
                made = os.path.join(made, part)
                self._make_implicit(made)
        self._remember(parent)
        self._known.add(parent)

    def _remember(self, path: bytes) -> None:
        self._remembered += len(path)
        if self._remembered > MAX_REMEMBERED:
            raise EntryError(
                f"the directories and whiteouts of the layer have more than {MAX_REMEMBERED} bytes of names"
            )

    def _make_implicit(self, path: bytes) -> None:
        try:
            os.mkdir(path, 0o755)
        except FileExistsError:
            there = os.lstat(path)
            if stat.S_ISDIR(there.st_mode):
                return
            if not (stat.S_ISCHR(there.st_mode) and there.st_rdev == 0):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
            os.unlink(path)  # a whiteout hides what is below, not what its own layer brings
            os.mkdir(path, 0o755)
        self._whiteouts.made_directory(path)
        self._count_directory()
        self._implicit.add(path)
        if len(self._implicit) > MAX_IMPLICIT:
            raise EntryError(f"more than {MAX_IMPLICIT} directories are not listed in the layer")

    def _set_directory_time(self, path: bytes, mtime: int) -> None:
        """Last, for making something in a directory changes its time."""
        try:
            os.utime(path, ns=(mtime, mtime), follow_symlinks=False)
        except FileNotFoundError:
            pass  # a later entry replaced a directory above it


def _remove_tree(path: bytes) -> None:
    """A layer's trees may be deeper than calls may be nested."""
    directories = [path]
    for directory in directories:  # the list grows by those inside
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    directories.append(entry.path)
                else:
                    os.unlink(entry.path)
    for directory in reversed(directories):
        os.rmdir(directory)


def _write(fd: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(fd, piece) :]


def _write_sparse(fd: int, entry: Entry, data: Iterator[memoryview]) -> None:
    piece = memoryview(b"")
    for offset, length in entry.sparse or ():
        os.lseek(fd, offset, os.SEEK_SET)
        while length:
            piece = piece or next(data)
            _write(fd, piece[:length])
            taken = min(length, len(piece))
            piece, length = piece[taken:], length - taken
    os.ftruncate(fd, entry.full_size)


def _set_xattr(target: bytes | int, name: str, value: bytes) -> None:
    """An attribute of the layer, if it is the image's to set.

    trusted.overlay.* would redirect the kernel to other parts of other layers, and SELinux labels are the node's.
    """
    if name.startswith("trusted.overlay.") or name == "security.selinux":
        return
    try:
        if isinstance(target, int):
            os.setxattr(target, name, value)
        else:
            os.setxattr(target, name, value, follow_symlinks=False)
    except OSError as error:
        # A filesystem without this kind of attribute; a symbolic link, which cannot have user.*.
        if error.errno not in (errno.ENOTSUP, errno.EPERM) or name == "security.capability":
            raise
