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
_MAX_LINKS = 40


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


def ensure_dir_in_root(root: str, path: str, mode: int = 0o755, *, owner: tuple[int, int] | None = None) -> str:
    """Make a directory and its missing parents inside root; returns its real path.

    Links on the way are followed inside. New directories get `mode` and `owner` (user, group); existing ones stay as
    they are. A link that points to nothing has its target made, inside root.
    """
    fd = open_dir_in_root(root, path, mode, owner=owner)
    try:
        return path_of(fd)
    finally:
        os.close(fd)


def open_dir_in_root(root: str, path: str, mode: int = 0o755, *, owner: tuple[int, int] | None = None) -> int:
    """Like ensure_dir_in_root, but returns an O_PATH descriptor, which nobody can replace by a link."""
    root_fd = _open_root(root)
    try:
        try:
            return _open(root_fd, root, path, os.O_PATH | os.O_DIRECTORY)
        except FileNotFoundError:
            return _make(root_fd, root, path, mode, owner)
    finally:
        os.close(root_fd)


def _make(root_fd: int, root: str, path: str, mode: int, owner: tuple[int, int] | None) -> int:
    """Go down component by component. Each is opened by its whole path from the root, so "..", too, stays inside."""
    todo = path.split("/")[::-1]
    done = "."
    links = 0
    while todo:
        name = todo.pop()
        if name in ("", "."):
            continue
        if name == "..":
            done = f"{done}/.."
            continue
        target = _dangling(root_fd, root, done, name)
        if target is not None:
            links += 1
            if links > _MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), f"{root}/{path}")
            done = "." if target.startswith("/") else done
            todo.extend(target.split("/")[::-1])
            continue
        _make_one(root_fd, root, done, name, mode, owner)
        done = f"{done}/{name}"
    return _open(root_fd, root, done, os.O_PATH | os.O_DIRECTORY)


def _dangling(root_fd: int, root: str, parent: str, name: str) -> str | None:
    """Target of parent/name when it is a link that leads to nothing (yet)."""
    try:
        os.close(_open(root_fd, root, f"{parent}/{name}", os.O_PATH))
        return None
    except FileNotFoundError:
        pass  # nothing there, or a link to nothing
    try:
        fd = _open(root_fd, root, f"{parent}/{name}", os.O_PATH | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        return os.readlink("", dir_fd=fd)
    finally:
        os.close(fd)


def _make_one(root_fd: int, root: str, parent: str, name: str, mode: int, owner: tuple[int, int] | None) -> None:
    parent_fd = _open(root_fd, root, parent, os.O_PATH | os.O_DIRECTORY)
    try:
        try:
            os.mkdir(name, mode, dir_fd=parent_fd)
        except FileExistsError:
            return  # a directory, or something else: then the next step down says ENOTDIR
        made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent_fd)
        try:
            if owner is not None:
                os.fchown(made, *owner)
            os.fchmod(made, mode)  # the umask must not decide
        finally:
            os.close(made)
    finally:
        os.close(parent_fd)


def ensure_file_in_root(root: str, path: str, mode: int = 0o644) -> str:
    """Make an empty file and its missing parents inside root, unless something is there; returns its real path."""
    try:
        return resolve_in_root(root, path)
    except FileNotFoundError:
        pass  # made below
    parent, _, name = path.rstrip("/").rpartition("/")
    if name in ("", ".", ".."):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), f"{root}/{path}")
    parent_fd = open_dir_in_root(root, parent)
    try:
        # A link to nothing is refused (ELOOP by O_NOFOLLOW): a file made through it would surprise its owner.
        fd = os.open(name, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=parent_fd)
        try:
            return path_of(fd)
        finally:
            os.close(fd)
    finally:
        os.close(parent_fd)
