"""An unpacked layer as a tar again (image-spec layer.md): overlayfs' whiteouts become the image format's. Blocks.

The tar holds the same files, but not the same bytes as the one that was unpacked: its digest is another.
"""

import contextlib
import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from typing import BinaryIO

from orlop.engine.storage.whiteouts import OPAQUE

_OVERLAY = "trusted.overlay."
_KINDS = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFBLK: tarfile.BLKTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
}


class HashingWriter:
    """Bytes into a file, with their digest and number."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hashed = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """All of them."""
        self._hashed.update(data)
        self.size += len(data)
        self._file.write(data)
        return len(data)

    @property
    def digest(self) -> str:
        """Of what has been written so far."""
        return f"sha256:{self._hashed.hexdigest()}"


def repack(directory: str, out: BinaryIO) -> tuple[str, int]:
    """Write a layer's directory as an uncompressed tar; returns its digest and size. Raises OSError."""
    writer = HashingWriter(out)
    links: dict[tuple[int, int], str] = {}
    # tarfile reads nothing of what it writes: a writer is all that it needs.
    with tarfile.open(fileobj=writer, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        for path in _walk(directory):
            _add(tar, path, os.path.relpath(path, directory), links)
    return writer.digest, writer.size


def _walk(directory: str) -> Iterator[str]:
    """A directory, and all that is in it in name order: parents first. Trees may be deep: it does not recurse."""
    todo = [directory]
    while todo:
        path = todo.pop()
        yield path
        if stat.S_ISDIR(os.lstat(path).st_mode):
            todo += [os.path.join(path, name) for name in sorted(os.listdir(path), reverse=True)]


def _add(tar: tarfile.TarFile, path: str, name: str, links: dict[tuple[int, int], str]) -> None:
    status = os.lstat(path)
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
        tar.addfile(_marker(os.path.join(os.path.dirname(name), f".wh.{os.path.basename(name)}")))
        return
    kind = _KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is None:  # a socket: no image has any
        return
    info = _described(path, name, kind, status)
    first = links.setdefault((status.st_dev, status.st_ino), name)
    if first != name and not stat.S_ISDIR(status.st_mode):
        info.type, info.linkname, info.size, info.pax_headers = tarfile.LNKTYPE, first, 0, {}
        tar.addfile(info)
    elif kind == tarfile.REGTYPE:
        with open(path, "rb") as file:
            tar.addfile(info, file)
    else:
        tar.addfile(info)
    if kind == tarfile.DIRTYPE and _xattr(path, OPAQUE) == b"y":
        tar.addfile(_marker(os.path.join(name, ".wh..wh..opq")))


def _described(path: str, name: str, kind: bytes, status: os.stat_result) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, stat.S_IMODE(status.st_mode)
    info.uid, info.gid = status.st_uid, status.st_gid
    info.mtime = status.st_mtime_ns // 10**9
    info.size = status.st_size if kind == tarfile.REGTYPE else 0
    if kind == tarfile.SYMTYPE:
        info.linkname = os.readlink(path)
    if kind in (tarfile.CHRTYPE, tarfile.BLKTYPE):
        info.devmajor, info.devminor = os.major(status.st_rdev), os.minor(status.st_rdev)
    info.pax_headers = _extra(path, status)
    return info


def _extra(path: str, status: os.stat_result) -> dict[str, str]:
    """What a plain header cannot say: parts of a second, and extended attributes but overlayfs' own."""
    found = {}
    if part := status.st_mtime_ns % 10**9:
        found["mtime"] = f"{status.st_mtime_ns // 10**9}.{part:09d}"
    for name in os.listxattr(path, follow_symlinks=False):
        value = None if name.startswith(_OVERLAY) else _xattr(path, name)
        if value is not None:
            found[f"SCHILY.xattr.{name}"] = value.decode(errors="surrogateescape")
    return found


def _xattr(path: str, name: str) -> bytes | None:
    with contextlib.suppress(OSError):
        return os.getxattr(path, name, follow_symlinks=False)
    return None


def _marker(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode = 0o644
    return info
