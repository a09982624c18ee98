"""Mounts: bind, tmpfs, overlay, read-only, propagation, unmount. Reading the table is in mount_table.py.

Uses the mount API with descriptors (fsopen(2), open_tree(2), mount_setattr(2), move_mount(2)): a mount is complete before
anybody sees it. Errors are OSError with the target's path.
"""

from collections.abc import Sequence

from orlop.linux.mount_table import MountInfo as MountInfo
from orlop.linux.mount_table import is_mountpoint as is_mountpoint
from orlop.linux.mount_table import mount_table as mount_table
from orlop.linux.mount_table import propagation_of as propagation_of


def bind(source: str, target: str, *, recursive: bool = False, readonly: bool = False) -> None:
    """Bind-mount a file or directory on an existing target of the same sort."""
    raise NotImplementedError


def remount(target: str, *, readonly: bool, recursive: bool = False) -> None:
    """Make a mount (with `recursive`, all below it too) read-only or writable again."""
    raise NotImplementedError


def tmpfs(
    target: str,
    *,
    size: int | None = None,
    mode: int = 0o1777,
    nosuid: bool = True,
    nodev: bool = True,
    noexec: bool = False,
    source: str = "tmpfs",
) -> None:
    """Mount a tmpfs; size in bytes, the kernel's default (half of the memory) without."""
    raise NotImplementedError


def overlay(
    target: str,
    *,
    lower: Sequence[str],
    upper: str | None,
    work: str | None,
    volatile: bool = True,
    idmap_fd: int | None = None,
) -> None:
    """Mount an overlayfs. `lower` is ordered as in lowerdir: topmost layer first. Without `upper` it is read-only."""
    raise NotImplementedError


def unmount(target: str, *, detach: bool = True) -> None:
    """Unmount what is on top of target; not mounted or not existing is fine. `detach` is MNT_DETACH."""
    raise NotImplementedError


def unmount_below(path: str) -> None:
    """Unmount everything at and below a path, deepest first."""
    raise NotImplementedError


def make_shared(path: str, *, recursive: bool = False) -> None:
    """Mounts below propagate to peers and from them (mount_namespaces(7)). The path must be a mount point."""
    raise NotImplementedError


def make_private(path: str, *, recursive: bool = False) -> None:
    """No propagation either way."""
    raise NotImplementedError


def make_slave(path: str, *, recursive: bool = False) -> None:
    """Propagation from the former peers only."""
    raise NotImplementedError
