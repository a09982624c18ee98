"""Paths resolved inside a root that is not trusted, a container's filesystem for instance (openat2(2) RESOLVE_IN_ROOT).

Symbolic links, absolute ones too, are followed as a process inside the root would follow them; none leads out.
"""

import errno
import os
import stat

from orlop.linux import syscalls

_RESOLVE = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS
# A rename elsewhere in the system while ".." is resolved gives EAGAIN; more than a few in a row is somebody's game.
_TRIES = 64


def _open_root(root: str) -> int:
    return os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def _open(root_fd: int, root: str, path: str, flags: int, mode: int = 0) -> int:
    for attempt in range(_TRIES):
        try:
            # An absolute path starts at the root as well, but an empty one is an error.
            return syscalls.openat2(root_fd, path or ".", flags, mode, _RESOLVE)
        except OSError as error:
            if error.errno != errno.EAGAIN or attempt == _TRIES - 1:
                shown = f"{root.rstrip('/')}/{path.lstrip('/')}"
                raise OSError(error.errno, os.strerror(error.errno or 0), shown) from None
    raise AssertionError("the last try returns or raises")


def open_in_root(root: str, path: str, flags: int, mode: int = 0) -> int:
    """openat2(2) with the root as "/"; returns a descriptor. Magic links are refused (ELOOP)."""
    root_fd = _open_root(root)
    try:
        return _open(root_fd, root, path, flags, mode)
    finally:
        os.close(root_fd)


def open_file_in_root(root: str, path: str) -> int:
    """Open a regular file to be read; returns a descriptor. OSError EINVAL for anything else, which is not opened.

    To open a device is an act of its own: a watchdog's (watchdog-api) lets the node reboot a minute later.
    """
    place = open_in_root(root, path, os.O_PATH)
    try:
        if not stat.S_ISREG(os.fstat(place).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", f"{root.rstrip('/')}/{path.lstrip('/')}")
        return os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(place)


def path_of(fd: int) -> str:
    """The path of an open file or directory now."""
    return os.readlink(f"/proc/self/fd/{fd}")


def resolve_in_root(root: str, path: str) -> str:
    """The real path, below root, of something that exists inside root. Valid as long as nobody changes the tree."""
    fd = open_in_root(root, path, os.O_PATH)
    try:
        return path_of(fd)
    finally:
        os.close(fd)
