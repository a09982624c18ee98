"""How full filesystems and trees are (statvfs(3), walks). Caching and scheduling of walks are not here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FilesystemUsage:
    """A filesystem's figures, bytes and inodes."""

    total: int
    used: int
    available: int
    """For unprivileged writers: without the reserved blocks."""
    inodes: int
    inodes_used: int


@dataclass(frozen=True, slots=True)
class TreeUsage:
    """What a tree takes."""

    bytes: int
    """Allocated blocks, as du counts; a file with several links once."""
    inodes: int


def filesystem_usage(path: str) -> FilesystemUsage:
    """Figures of the filesystem that holds a path."""
    raise NotImplementedError


def tree_usage(path: str) -> TreeUsage:
    """Walk a tree (without crossing into other filesystems). Blocks: call it by aio.threads.offload."""
    raise NotImplementedError


def mountpoint_of(path: str) -> str:
    """The mount point that holds a path."""
    raise NotImplementedError


def filesystem_type(path: str) -> str:
    """Name of the filesystem type that holds a path: ext4, xfs, overlay, tmpfs …"""
    raise NotImplementedError
