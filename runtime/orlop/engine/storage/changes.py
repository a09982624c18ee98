"""What a container has written over its image's layers, as a tar and a list of deletions; and the way back.

An upper directory of overlayfs says "deleted" by a 0/0 character device, and by a directory that hides what is below.
"""

import hashlib
import os
import stat
import tarfile
from collections.abc import AsyncIterator, Collection, Iterator, Sequence

import msgspec

from orlop.aio.threads import offload
from orlop.engine.storage.inheritance import inherit
from orlop.engine.storage.unpacking import Blob, unpack
from orlop.engine.storage.whiteouts import OPAQUE
from orlop.model.errors import InvalidArgument

_CHUNK = 1 << 20


class Changes(msgspec.Struct, frozen=True):
    """What a fresh root is to begin with."""

    tar: str
    """Path of a tar, not compressed; empty: nothing was written."""
    deleted: Sequence[str] = ()
    """Paths in the container."""


def pack(upper: str, lowers: Sequence[str], tar_path: str, skip: Collection[str]) -> list[str]:
    """Write what is in an upper directory to a tar; returns what it deletes of the layers (topmost first).

    skip: paths in the container where something else is mounted.
    """
    deleted: list[str] = []
    with (
        open(os.open(tar_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path, hides in _walk(upper, "", skip, hidden=False):
            status = os.lstat(upper + path)
            if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
                deleted.append(path)
            elif not stat.S_ISSOCK(status.st_mode):
                _add(tar, upper + path, path)
            if hides:
                here = set(os.listdir(upper + path))
                below = {name for lower in lowers for name in _names(lower + path)}
                deleted += [f"{path}/{name}" for name in sorted(below - here)]
    return deleted


def _walk(upper: str, path: str, skip: Collection[str], *, hidden: bool) -> Iterator[tuple[str, bool]]:
    """Paths in the container, parents first, and whether each is a directory that hides what is below it."""
    for name in sorted(os.listdir(upper + path)):
        inner = f"{path}/{name}"
        if inner in skip:
            continue
        if not os.path.isdir(upper + inner) or os.path.islink(upper + inner):
            yield inner, False
            continue
        hides = hidden or OPAQUE in os.listxattr(upper + inner, follow_symlinks=False)
        yield inner, hides
        yield from _walk(upper, inner, skip, hidden=hides)


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _add(tar: tarfile.TarFile, source: str, path: str) -> None:
    member = tar.gettarinfo(source, arcname=path.lstrip("/"))
    attributes = {}
    for name in os.listxattr(source, follow_symlinks=False):
        if not name.startswith(("trusted.", "system.")):
            value = os.getxattr(source, name, follow_symlinks=False)
            attributes[f"SCHILY.xattr.{name}"] = value.decode("utf-8", "surrogateescape")
    member.pax_headers = attributes
    if member.isreg():
        with open(source, "rb") as file:
            tar.addfile(member, file)
    else:
        tar.addfile(member)


async def apply(changes: Changes, upper: str, lowers: Sequence[str]) -> None:
    """Fill an empty upper directory. Raises InvalidArgument for changes that may not be unpacked."""
    for path in changes.deleted:
        parts = path.split("/")
        if path.startswith("/") is False or ".." in parts or "\0" in path or not path.strip("/"):
            raise InvalidArgument(f"the deleted file {path!r} is no path in a container")
    if changes.tar:
        digest, size = await offload(_digest, changes.tar)
        blob = Blob(digest=digest, size=size, diff_id=digest)
        unpacked = await unpack(blob, _chunks(changes.tar), upper, base=True)
        await offload(inherit, upper, [path for path in unpacked.implicit if path != "/"], lowers)
    await offload(_delete, upper, changes.deleted, lowers)


def _delete(upper: str, deleted: Sequence[str], lowers: Sequence[str]) -> None:
    made: list[str] = []
    for path in deleted:
        parent, _, name = path.rstrip("/").rpartition("/")
        here = upper
        for part in filter(None, parent.split("/")):
            here = os.path.join(here, part)
            if not os.path.lexists(here):
                os.mkdir(here, 0o755)
                made.append(here[len(upper) :])
            elif os.path.islink(here) or not os.path.isdir(here):
                raise InvalidArgument(f"the deleted file {path!r} lies below what is no directory")
        try:
            os.mknod(os.path.join(here, name), stat.S_IFCHR, os.makedev(0, 0))
        except FileExistsError:
            pass  # deleted and made anew
    inherit(upper, made, lowers)


def _digest(path: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return f"sha256:{digest.hexdigest()}", size


async def _chunks(path: str) -> AsyncIterator[bytes]:
    with await offload(open, path, "rb") as file:
        while chunk := await offload(file.read, _CHUNK):
            yield chunk
