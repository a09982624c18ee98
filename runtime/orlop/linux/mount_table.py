"""The table of mounts as this process sees it (proc_pid_mountinfo(5)). Changing it is in mounts.py."""

import errno
import os
import re

import msgspec

from orlop.linux import syscalls
from orlop.linux.files import read_bytes

# The thread's own: a thread may live in another mount namespace than the process.
_TABLE = "/proc/thread-self/mountinfo"
_ESCAPE = re.compile(r"\\([0-7]{3})")


class MountInfo(msgspec.Struct, frozen=True):
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


def _unescape(text: str) -> str:
    """Space, tab, newline and backslash (and # in sources) come as three octal digits."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text) if "\\" in text else text


def parse(table: str) -> list[MountInfo]:
    """Parse the text of a mountinfo file."""
    found = []
    for line in table.split("\n"):
        if not line:
            continue
        fields = line.split(" ")
        dash = fields.index("-", 6)
        found.append(
            MountInfo(
                mount_id=int(fields[0]),
                parent_id=int(fields[1]),
                device=fields[2],
                root=_unescape(fields[3]),
                mountpoint=_unescape(fields[4]),
                options=tuple(fields[5].split(",")),
                optional=tuple(fields[6:dash]),
                fstype=fields[dash + 1],
                source=_unescape(fields[dash + 2]),
                super_options=tuple(_unescape(fields[dash + 3]).split(",")) if len(fields) > dash + 3 else (),
            )
        )
    return found


def mount_table() -> list[MountInfo]:
    """All mounts, in the kernel's order: a later one on the same point covers an earlier one."""
    return parse(os.fsdecode(read_bytes(_TABLE)))


def is_mountpoint(path: str) -> bool:
    """Whether something is mounted exactly here, bind mounts of files included. False when the path does not exist."""
    try:
        return syscalls.statx_mount(path)[1]
    except (FileNotFoundError, NotADirectoryError):
        return False


def mount_of(path: str) -> MountInfo:
    """The mount that holds a path (links are followed)."""
    mount_id, _ = syscalls.statx_mount(path, 0)
    for entry in mount_table():
        if entry.mount_id == mount_id:
            return entry
    raise OSError(errno.ENOENT, "its mount is not in this process's table", path)


def propagation_of(path: str) -> tuple[str, tuple[str, ...]]:
    """The mount point that holds a path, and its optional fields (see MountInfo.optional)."""
    entry = mount_of(path)
    return entry.mountpoint, entry.optional
