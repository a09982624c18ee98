"""Packed layers where they can be seen: each is mounted once, when it is first needed, and stays until it is removed.

    <state_dir>/layers/<hex>    the mount: one superblock and one page cache for all containers that stand on the layer

The mounts survive the daemon; a reboot takes them, and they are made again on demand.
"""

import contextlib
import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator

from orlop.linux import mounts
from orlop.linux.erofs import mount_image
from orlop.linux.files import ensure_dir, remove_dir
from orlop.linux.syscalls import statx_mount

IMAGE = "layer.erofs"


class LayerMounts:
    """The mounts of packed layers."""

    def __init__(self, state_dir: str) -> None:
        self._root = os.path.join(state_dir, "layers")

    def shown(self, name: str, image: str) -> str:
        """Where the layer's files are; mounts it if it is not. Blocks. OSError: the kernel refuses the image."""
        target = os.path.join(self._root, name)
        if not _is_mounted(target):
            ensure_dir(self._root, 0o700)
            with self._alone():  # another process or thread may be about to mount it too, or has meanwhile
                if not _is_mounted(target):
                    ensure_dir(target, 0o700)
                    mount_image(image, target)
        return target

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def hide(self, name: str) -> None:
        """Unmount a layer; containers that still stand on it keep what they have. Not mounted is fine. Blocks."""
        target = os.path.join(self._root, name)
        while _is_mounted(target):
            mounts.unmount(target)
        remove_dir(target)

    def names(self) -> list[str]:
        """Layers that are mounted, or were."""
        try:
            return os.listdir(self._root)
        except FileNotFoundError:
            return []


def _is_mounted(path: str) -> bool:
    try:
        return statx_mount(path)[1]
    except FileNotFoundError:
        return False


def why_not(scratch: str) -> str:
    """Why layers on the filesystem of a directory cannot stay packed on this kernel; empty: they can.

    It is tried: an image is mounted from a file there, idmapped mounts aside, and an overlay over it. Blocks.
    """
    if os.path.exists("/sys/fs/selinux/enforce"):
        return "with SELinux, files of packed layers would have no labels"
    try:
        with tempfile.TemporaryDirectory(prefix="trial-", dir=scratch) as directory:
            claim = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(claim, fcntl.LOCK_EX)  # who clears up beside it keeps its hands off
                _try(directory)
            finally:
                os.close(claim)
    except OSError as error:
        return f"this kernel cannot use an EROFS image in {scratch} as a layer ({error.strerror or error})"
    return ""


def _try(directory: str) -> None:
    from orlop.engine.storage.erofs_write import TAR_AT, ImageWriter
    from orlop.engine.storage.layer_tree import LayerTree

    image, *targets = (os.path.join(directory, name) for name in (IMAGE, "lower", "upper", "work", "merged"))
    for each in targets:
        os.mkdir(each)
    fd = os.open(image, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        ImageWriter(fd, LayerTree(base=True), TAR_AT).write()
    finally:
        os.close(fd)
    lower, upper, work, merged = targets
    mount_image(image, lower)
    try:
        mounts.overlay(merged, lower=[lower], upper=upper, work=work)
        try:
            if not stat.S_ISDIR(os.stat(merged).st_mode):
                raise OSError(errno.EIO, "its root is no directory")
        finally:
            mounts.unmount(merged)
    finally:
        mounts.unmount(lower)
