"""Directories that a packed layer does not list take after the same directory in the layers below.

What inheritance does to directories on disk, done to the inodes of an EROFS image that nobody has mounted yet.
"""

import os
from collections.abc import Sequence

from orlop.engine.storage import erofs_format as fmt
from orlop.engine.storage.erofs_write import FIRST_SLOT, ROOT_SLOT, SLOT, TAR_AT
from orlop.engine.storage.inheritance import find
from orlop.model.errors import InvalidArgument

_OPAQUE = b"trusted.overlay.opaque"


def inherit_packed(image: str, implicit: Sequence[str], below: Sequence[str]) -> None:
    """Give the directories owner, mode, time and attributes of those below (topmost first).

    `implicit`: all that the image's layer does not list, in the writer's order. Raises InvalidArgument when a directory
    below has more attributes than an inode's slot has room for, OSError.
    """
    if not below:
        return
    fd = os.open(image, os.O_RDWR | os.O_CLOEXEC)
    try:
        start = fmt.meta_start(os.pread(fd, TAR_AT, 0))
        slots = iter(range(start + FIRST_SLOT, 1 << 62, SLOT))
        for path in implicit:
            at = start + ROOT_SLOT if path == "/" else next(slots)
            source = find(path, below)
            if source >= 0:
                try:
                    _copy(fd, at, source, path)
                finally:
                    os.close(source)
        os.fsync(fd)
    finally:
        os.close(fd)


def _copy(image: int, at: int, source: int, path: str) -> None:
    status = os.fstat(source)
    size, value, number, links, opaque = fmt.directory_inode(os.pread(image, fmt.INODE, at))
    attributes = {_OPAQUE: b"y"} if opaque else {}
    for name in os.listxattr(source):
        if not name.startswith("trusted.overlay."):
            attributes[os.fsencode(name)] = os.getxattr(source, name)
    body = fmt.xattr_body(attributes)
    if len(body) > SLOT - fmt.INODE:
        raise InvalidArgument(f"{path} has more extended attributes in a layer below than a packed layer can take over")
    packed = fmt.inode(
        number=number,
        mode=status.st_mode,
        owner=(status.st_uid, status.st_gid),
        mtime_ns=status.st_mtime_ns,
        links=links,
        size=size,
        value=value,
        xattrs=len(body),
    )
    os.pwrite(image, packed + body, at)
