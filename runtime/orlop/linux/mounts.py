"""Mounts: bind, tmpfs, overlay, read-only, propagation, unmount. Reading the table is in mount_table.py.

Uses the mount API with descriptors (fsopen(2), open_tree(2), mount_setattr(2), move_mount(2)): a mount is complete
before anybody sees it. Errors are OSError with the target's path. A symbolic link at the end of a target is not
followed.
"""

import errno
import os
from collections.abc import Sequence

from orlop.linux import syscalls
from orlop.linux.mount_table import MountInfo as MountInfo
from orlop.linux.mount_table import is_mountpoint as is_mountpoint
from orlop.linux.mount_table import mount_table as mount_table
from orlop.linux.mount_table import propagation_of as propagation_of
from orlop.linux.overlay import mount_overlay


def bind(
    source: str, target: str, *, recursive: bool = False, readonly: bool = False, idmap_fd: int | None = None
) -> None:
    """Bind-mount a file or directory on an existing target of the same sort.

    `idmap_fd` is a user namespace whose mapping the mount gets (mount_setattr(2), MOUNT_ATTR_IDMAP): OSError EINVAL
    where a filesystem in the tree cannot have one.
    """
    depth = syscalls.AT_RECURSIVE if recursive else 0
    tree = syscalls.open_tree(source, syscalls.OPEN_TREE_CLONE | syscalls.OPEN_TREE_CLOEXEC | depth)
    try:
        if readonly:
            syscalls.mount_setattr(tree, "", syscalls.AT_EMPTY_PATH | depth, set_=syscalls.MOUNT_ATTR_RDONLY)
        if idmap_fd is not None:
            set_idmap(tree, idmap_fd, recursive=recursive)
        syscalls.move_mount(tree, target)
    finally:
        os.close(tree)


def set_idmap(tree: int, userns_fd: int, *, recursive: bool = False) -> None:
    """Give a detached mount, by its descriptor, a user namespace's mapping."""
    depth = syscalls.AT_RECURSIVE if recursive else 0
    syscalls.mount_setattr(
        tree, "", syscalls.AT_EMPTY_PATH | depth, set_=syscalls.MOUNT_ATTR_IDMAP, userns_fd=userns_fd
    )


def can_idmap(path: str, userns_fd: int) -> bool:
    """Whether the filesystem that holds a path, and the kernel, have idmapped mounts. Nothing is mounted."""
    tree = syscalls.open_tree(path, syscalls.OPEN_TREE_CLONE | syscalls.OPEN_TREE_CLOEXEC)
    try:
        set_idmap(tree, userns_fd)
        return True
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
            raise
        return False
    finally:
        os.close(tree)


def remount(target: str, *, readonly: bool, recursive: bool = False) -> None:
    """Make a mount (with `recursive`, all below it too) read-only or writable again."""
    _require_mountpoint(target)
    flags = syscalls.AT_RECURSIVE if recursive else 0
    set_, clear = (syscalls.MOUNT_ATTR_RDONLY, 0) if readonly else (0, syscalls.MOUNT_ATTR_RDONLY)
    syscalls.mount_setattr(syscalls.AT_FDCWD, target, flags, set_=set_, clear=clear)


def tmpfs(
    target: str,
    *,
    size: int | None = None,
    mode: int = 0o1777,
    nosuid: bool = True,
    nodev: bool = True,
    noexec: bool = False,
    source: str = "tmpfs",
    context: str = "",
) -> None:
    """Mount a tmpfs (tmpfs(5)); size in bytes, the kernel's default (half of the memory) without.

    `context` is the SELinux label of all that is in it (mount(8), context=); other kernels refuse it.
    """
    attributes = (
        (syscalls.MOUNT_ATTR_NOSUID if nosuid else 0)
        | (syscalls.MOUNT_ATTR_NODEV if nodev else 0)
        | (syscalls.MOUNT_ATTR_NOEXEC if noexec else 0)
    )
    fs = syscalls.fsopen("tmpfs")
    try:
        syscalls.fsconfig_string(fs, "source", source)
        syscalls.fsconfig_string(fs, "mode", f"{mode:o}")
        if size is not None:
            syscalls.fsconfig_string(fs, "size", str(size))
        if context:
            syscalls.fsconfig_string(fs, "context", context)
        syscalls.fsconfig_create(fs)
        mount = syscalls.fsmount(fs, attributes)
        try:
            syscalls.move_mount(mount, target)
        finally:
            os.close(mount)
    except OSError as error:
        raise OSError(error.errno, f"tmpfs: {error.strerror}", target) from error
    finally:
        os.close(fs)


def overlay(
    target: str,
    *,
    lower: Sequence[str],
    upper: str | None,
    work: str | None,
    volatile: bool = True,
    idmap_fd: int | None = None,
    context: str = "",
) -> None:
    """Mount an overlayfs. `lower` is ordered as in lowerdir: topmost layer first. Without `upper` it is read-only.

    `volatile` skips every sync of the upper layer; after an unmount the same upper cannot be mounted again until
    incompat/volatile in the kernel's part of `work` is removed. `idmap_fd` is a user namespace whose mapping the lower
    layers get. `context` is as for tmpfs, and needs more than one layer where there is no upper.
    """
    if not lower or (upper is None) != (work is None):
        raise OSError(errno.EINVAL, "overlay: needs lower layers, and both or none of upper and work", target)
    if upper is None and len(lower) == 1:
        bind(lower[0], target, readonly=True, idmap_fd=idmap_fd)  # overlayfs refuses a single layer
        return
    mount_overlay(target, lower, upper, work, volatile=volatile, idmap_fd=idmap_fd, context=context)


def unmount(target: str, *, detach: bool = True) -> None:
    """Unmount what is on top of target; not mounted or not existing is fine. `detach` is MNT_DETACH (umount2(2))."""
    try:
        syscalls.umount2(target, syscalls.UMOUNT_NOFOLLOW | (syscalls.MNT_DETACH if detach else 0))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        # EINVAL is "not a mount point", but also "locked by an owning user namespace".
        if error.errno != errno.EINVAL or is_mountpoint(target):
            raise


def unmount_below(path: str) -> None:
    """Unmount everything at and below a path, deepest and topmost first."""
    real = os.path.realpath(path)
    prefix = real.rstrip("/") + "/"
    for entry in reversed(mount_table()):
        if entry.mountpoint == real or entry.mountpoint.startswith(prefix):
            unmount(entry.mountpoint)


def make_shared(path: str, *, recursive: bool = False) -> None:
    """Mounts below propagate to peers and from them (mount_namespaces(7)). The path must be a mount point."""
    _propagate(path, syscalls.MS_SHARED, recursive=recursive)


def make_private(path: str, *, recursive: bool = False) -> None:
    """No propagation either way."""
    _propagate(path, syscalls.MS_PRIVATE, recursive=recursive)


def _propagate(path: str, kind: int, *, recursive: bool) -> None:
    _require_mountpoint(path)
    flags = syscalls.AT_RECURSIVE if recursive else 0
    syscalls.mount_setattr(syscalls.AT_FDCWD, path, flags, propagation=kind)


def _require_mountpoint(path: str) -> None:
    """mount_setattr(2) says no more than EINVAL, and not for every kind of path."""
    if not is_mountpoint(path):
        number = errno.EINVAL if os.path.lexists(path) else errno.ENOENT
        raise OSError(number, "not a mount point" if number == errno.EINVAL else os.strerror(number), path)
