"""Directories that a layer uses without listing them take after the same directory in the layers below.

Without this, a layer that brings tmp/x but no tmp/ would turn /tmp's mode from 1777 to 0755. A layer is unpacked beside
those below it, so it is done when all are there. Layers are untrusted: every path is opened inside its root.
"""

import os
import stat
from collections.abc import Sequence

from orlop.linux.paths import open_in_root

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def inherit(root: str, implicit: Sequence[str], below: Sequence[str]) -> None:
    """Give the directories of a layer's root the owner, mode, time and attributes of those below (topmost first)."""
    if not below:
        return
    for path in implicit:
        source = find(path, below)
        if source < 0:
            continue
        try:
            target = open_in_root(root, path, _OPEN)
            try:
                _copy(source, target)
            finally:
                os.close(target)
        finally:
            os.close(source)


def find(path: str, below: Sequence[str]) -> int:
    """A descriptor of the directory in the topmost layer that has it, -1 when none has."""
    for layer in below:
        try:
            return open_in_root(layer, path, _OPEN)
        except FileNotFoundError:
            continue
        except OSError:  # hidden by a whiteout, a file or a link: what is further below does not show
            return -1
    return -1


def _copy(source: int, target: int) -> None:
    status = os.fstat(source)
    os.fchown(target, status.st_uid, status.st_gid)
    for name in os.listxattr(source):
        if not name.startswith("trusted.overlay."):
            os.setxattr(target, name, os.getxattr(source, name))
    os.fchmod(target, stat.S_IMODE(status.st_mode))
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
