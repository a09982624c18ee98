"""The table of mounts as this process sees it (proc_pid_mountinfo(5)). Changing it is in mounts.py."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MountInfo:
    """One line of /proc/self/mountinfo."""

    mount_id: int
    parent_id: int
    device: str
    """major:minor"""
    root: str
    """Path inside the filesystem that is mounted."""
    mountpoint: str
    options: tuple[str, ...]
    optional: tuple[str, ...]
    """Propagation: "shared:5", "master:3", "propagate_from:2", "unbindable"; empty is private."""
    fstype: str
    source: str
    super_options: tuple[str, ...]


def mount_table() -> list[MountInfo]:
    """All mounts, in the kernel's order: a later one on the same point covers an earlier one."""
    raise NotImplementedError


def is_mountpoint(path: str) -> bool:
    """Whether something is mounted exactly here, bind mounts of files included. False when the path does not exist."""
    raise NotImplementedError


def propagation_of(path: str) -> tuple[str, tuple[str, ...]]:
    """The mount point that holds a path, and its optional fields (see MountInfo.optional)."""
    raise NotImplementedError
