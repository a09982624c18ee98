"""How full filesystems and trees are (statvfs(3), walks). Caching and scheduling of walks are not here."""

import os
import stat
import sys

import msgspec

from orlop.linux.mount_table import mount_of

# A relative path of more characters is walked on from a descriptor in its middle: PATH_MAX is 4096 bytes.
_LONG = 900
# Descriptors that one walk may hold so; what lies still deeper is not counted.
_MAX_NESTING = 64


class FilesystemUsage(msgspec.Struct, frozen=True):
    """A filesystem's figures, bytes and inodes."""

    total: int
    used: int
    available: int
    """For unprivileged writers: without the reserved blocks."""
    inodes: int
    inodes_used: int


class TreeUsage(msgspec.Struct, frozen=True):
    """What a tree takes."""

    bytes: int
    """Allocated blocks, as du(1) counts; a file with several links once."""
    inodes: int


def filesystem_usage(path: str) -> FilesystemUsage:
    """Figures of the filesystem that holds a path."""
    info = os.statvfs(path)
    return FilesystemUsage(
        total=info.f_blocks * info.f_frsize,
        used=(info.f_blocks - info.f_bfree) * info.f_frsize,
        available=info.f_bavail * info.f_frsize,
        inodes=info.f_files,
        inodes_used=info.f_files - info.f_ffree,
    )


def tree_usage(path: str) -> TreeUsage:
    """Walk a tree (without crossing into other filesystems). Blocks: call it by aio.threads.offload.

    What vanishes during the walk is not counted. Raises FileNotFoundError when the tree itself is not there.
    """
    return _walked(path, sys.maxsize)


def small_tree_usage(path: str, most: int) -> TreeUsage | None:
    """The same of a tree that has at most so many inodes, which costs less than a thread; None: it has more."""
    try:
        return _walked(path, most)
    except _TooMany:
        return None


def _walked(path: str, most: int) -> TreeUsage:
    root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        info = os.fstat(root)
        walk = _Walk(info.st_dev, most)
        walk.count(info)
        walk.below(root, 0)
    finally:
        os.close(root)
    return TreeUsage(walk.bytes, walk.inodes)


class _TooMany(Exception):
    """A walk has met more than it may."""


class _Walk:
    """The running sums of one walk."""

    def __init__(self, device: int, most: int) -> None:
        self.bytes = 0
        self.inodes = 0
        self._device = device
        self._most = most
        self._looked_at = 0
        self._linked: set[int] = set()

    def count(self, info: os.stat_result) -> bool:
        """Add one inode; False when it belongs to another filesystem or was counted already."""
        self._looked_at += 1
        if self._looked_at > self._most:
            raise _TooMany
        if info.st_dev != self._device:
            return False
        if info.st_nlink > 1 and not stat.S_ISDIR(info.st_mode):
            if info.st_ino in self._linked:
                return False
            self._linked.add(info.st_ino)
        self.bytes += info.st_blocks * 512
        self.inodes += 1
        return True

    def below(self, base: int, nesting: int) -> None:
        """Count everything below an open directory."""
        todo = ["."]
        while todo:
            name = todo.pop()
            try:
                directory = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=base)
            except (FileNotFoundError, NotADirectoryError):
                continue
            try:
                if len(name) > _LONG:
                    if nesting < _MAX_NESTING:
                        self.below(directory, nesting + 1)
                else:
                    todo += [f"{name}/{inner}" for inner in self._one(directory)]
            finally:
                os.close(directory)

    def _one(self, directory: int) -> list[str]:
        """Count a directory's entries; returns the names of its subdirectories."""
        inner = []
        with os.scandir(directory) as entries:
            for entry in entries:
                try:
                    info = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if self.count(info) and entry.is_dir(follow_symlinks=False):
                    inner.append(entry.name)
        return inner


def filesystem_type(path: str) -> str:
    """Name of the filesystem type that holds a path: ext4, xfs, overlay, tmpfs …"""
    return mount_of(path).fstype
