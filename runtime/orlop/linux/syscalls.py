"""The one ctypes file: kernel calls that Python lacks, each checked, each failure an OSError with the path.

One function per call, arguments as in its man page (section 2), no policy. What Python has (pidfd, rename, statvfs) is
called by its own name elsewhere.
"""

import ctypes
import os
from typing import NoReturn

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

# Calls since Linux 5.0 have the same number on every architecture.
_SYS_open_tree = 428
_SYS_move_mount = 429
_SYS_fsopen = 430
_SYS_fsconfig = 431
_SYS_fsmount = 432
_SYS_openat2 = 437
_SYS_mount_setattr = 442

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW = 0x100
AT_NO_AUTOMOUNT = 0x800
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000

CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

MNT_DETACH = 2
UMOUNT_NOFOLLOW = 8

MS_PRIVATE = 1 << 18
MS_SHARED = 1 << 20

OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
MOVE_MOUNT_F_EMPTY_PATH = 0x04
FSOPEN_CLOEXEC = 1
FSMOUNT_CLOEXEC = 1
FSCONFIG_SET_FLAG = 0
FSCONFIG_SET_STRING = 1
FSCONFIG_CMD_CREATE = 6
MOUNT_ATTR_RDONLY = 0x01
MOUNT_ATTR_NOSUID = 0x02
MOUNT_ATTR_NODEV = 0x04
MOUNT_ATTR_NOEXEC = 0x08
MOUNT_ATTR_IDMAP = 0x00100000

RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_IN_ROOT = 0x10

STATX_MNT_ID = 0x1000
STATX_ATTR_MOUNT_ROOT = 0x2000

PR_SET_CHILD_SUBREAPER = 36
PR_GET_CHILD_SUBREAPER = 37


class _MountAttr(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


class _OpenHow(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("flags", "mode", "resolve")]


class _Statx(ctypes.Structure):
    """struct statx as far as it is read; the kernel fills 256 bytes."""

    _fields_ = [
        ("mask", ctypes.c_uint32),
        ("blksize", ctypes.c_uint32),
        ("attributes", ctypes.c_uint64),
        ("_skipped", ctypes.c_byte * 40),
        ("attributes_mask", ctypes.c_uint64),
        ("_skipped_too", ctypes.c_byte * 80),
        ("mnt_id", ctypes.c_uint64),
        ("_rest", ctypes.c_byte * 104),
    ]


def _fail(path: str | None, note: str = "") -> NoReturn:
    number = ctypes.get_errno()
    text = os.strerror(number) + (f" ({note})" if note else "")
    if path is None:
        raise OSError(number, text)
    raise OSError(number, text, path)


def _syscall(number: int, *args: int | bytes | ctypes.Structure | None, path: str | None = None) -> int:
    """syscall(2). Integers are widened: a variadic call would pass 32 bits and leave the upper half to chance."""
    converted = [
        ctypes.c_long(arg) if isinstance(arg, int) else ctypes.byref(arg) if isinstance(arg, ctypes.Structure) else arg
        for arg in args
    ]
    result: int = _libc.syscall(ctypes.c_long(number), *converted)
    if result < 0:
        _fail(path)
    return result


def mount(source: str, target: str, fstype: str | None, flags: int, data: str = "") -> None:
    """mount(2)."""
    kind = None if fstype is None else os.fsencode(fstype)
    if (
        _libc.mount(os.fsencode(source), os.fsencode(target), kind, ctypes.c_ulong(flags), os.fsencode(data) or None)
        < 0
    ):
        _fail(target)


def umount2(target: str, flags: int) -> None:
    """umount2(2)."""
    if _libc.umount2(os.fsencode(target), flags) < 0:
        _fail(target)


def open_tree(path: str, flags: int, *, dir_fd: int = AT_FDCWD) -> int:
    """open_tree(2): a descriptor of a mount, or with OPEN_TREE_CLONE of a detached copy."""
    return _syscall(_SYS_open_tree, dir_fd, os.fsencode(path), flags, path=path)


def move_mount(mount_fd: int, target: str) -> None:
    """move_mount(2) of a detached mount onto a path. A symbolic link at the end of the path is not followed."""
    _syscall(_SYS_move_mount, mount_fd, b"", AT_FDCWD, os.fsencode(target), MOVE_MOUNT_F_EMPTY_PATH, path=target)


def fsopen(fstype: str) -> int:
    """fsopen(2): a configuration context of a filesystem type."""
    return _syscall(_SYS_fsopen, os.fsencode(fstype), FSOPEN_CLOEXEC, path=fstype)


def fsconfig_string(fs_fd: int, key: str, value: str) -> None:
    """fsconfig(2) FSCONFIG_SET_STRING; the kernel takes 255 bytes at most."""
    try:
        _syscall(_SYS_fsconfig, fs_fd, FSCONFIG_SET_STRING, key.encode(), os.fsencode(value), 0)
    except OSError as error:
        raise _explained(error, fs_fd, f"{key}={value}") from None


def fsconfig_flag(fs_fd: int, key: str) -> None:
    """fsconfig(2) FSCONFIG_SET_FLAG."""
    try:
        _syscall(_SYS_fsconfig, fs_fd, FSCONFIG_SET_FLAG, key.encode(), None, 0)
    except OSError as error:
        raise _explained(error, fs_fd, key) from None


def fsconfig_create(fs_fd: int) -> None:
    """fsconfig(2) FSCONFIG_CMD_CREATE: the superblock."""
    try:
        _syscall(_SYS_fsconfig, fs_fd, FSCONFIG_CMD_CREATE, None, None, 0)
    except OSError as error:
        raise _explained(error, fs_fd, "") from None


def _explained(error: OSError, fs_fd: int, setting: str) -> OSError:
    """The error with the kernel's own words, which it leaves in the context's queue, one message per read(2)."""
    words = [setting] if setting else []
    try:
        while message := os.read(fs_fd, 1024):
            words.append(message.decode(errors="replace").partition(" ")[2].strip())
    except OSError:
        pass  # ENODATA: no more messages
    note = "; ".join(words)
    return OSError(error.errno, f"{os.strerror(error.errno or 0)} ({note})" if note else os.strerror(error.errno or 0))


def fsmount(fs_fd: int, attributes: int = 0) -> int:
    """fsmount(2): a detached mount of a created context."""
    return _syscall(_SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC, attributes)


def mount_setattr(
    fd: int, path: str, flags: int, *, set_: int = 0, clear: int = 0, propagation: int = 0, userns_fd: int = 0
) -> None:
    """mount_setattr(2) on a path, or with AT_EMPTY_PATH and "" on a descriptor."""
    attr = _MountAttr(set_, clear, propagation, userns_fd)
    _syscall(
        _SYS_mount_setattr, fd, os.fsencode(path), flags, attr, ctypes.sizeof(attr), path=path or f"/proc/self/fd/{fd}"
    )


def openat2(dir_fd: int, path: str, flags: int, mode: int, resolve: int) -> int:
    """openat2(2); O_CLOEXEC is always added."""
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    return _syscall(_SYS_openat2, dir_fd, os.fsencode(path), how, ctypes.sizeof(how), path=path)


def statx_mount(path: str, flags: int = AT_SYMLINK_NOFOLLOW) -> tuple[int, bool]:
    """statx(2): the id of the mount that holds a path, and whether the path is that mount's root (Linux 5.8)."""
    result = _Statx()
    if _libc.statx(AT_FDCWD, os.fsencode(path), flags | AT_NO_AUTOMOUNT, STATX_MNT_ID, ctypes.byref(result)) < 0:
        _fail(path)
    return result.mnt_id, bool(result.attributes & STATX_ATTR_MOUNT_ROOT)


def unshare(flags: int) -> None:
    """unshare(2) for the calling thread."""
    if _libc.unshare(flags) < 0:
        _fail(None, "unshare")


def setns(fd: int, kind: int = 0) -> None:
    """setns(2) for the calling thread; kind is a CLONE_NEW… flag that the descriptor must match, or 0."""
    if _libc.setns(fd, kind) < 0:
        _fail(None, "setns")


def sethostname(name: str) -> None:
    """sethostname(2) in the calling thread's UTS namespace."""
    data = name.encode()
    if _libc.sethostname(data, ctypes.c_size_t(len(data))) < 0:
        _fail(None, f"sethostname {name!r}")


def syncfs(fd: int) -> None:
    """syncfs(2): everything written so far to the filesystem of a descriptor is on its disk."""
    if _libc.syncfs(fd) < 0:
        _fail(None, "syncfs")


def set_child_subreaper(enabled: bool = True) -> None:
    """PR_SET_CHILD_SUBREAPER(2const): orphaned descendants become this process's children."""
    if _libc.prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(enabled), *(ctypes.c_ulong(0),) * 3) < 0:
        _fail(None, "PR_SET_CHILD_SUBREAPER")


def is_child_subreaper() -> bool:
    """PR_GET_CHILD_SUBREAPER(2const)."""
    answer = ctypes.c_int()
    if _libc.prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), *(ctypes.c_ulong(0),) * 3) < 0:
        _fail(None, "PR_GET_CHILD_SUBREAPER")
    return bool(answer.value)


def inotify_init() -> int:
    """inotify_init1(2), non-blocking."""
    fd: int = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if fd < 0:
        _fail(None, "inotify_init1")
    return fd


def inotify_add_watch(fd: int, path: str, mask: int) -> int:
    """inotify_add_watch(2)."""
    wd: int = _libc.inotify_add_watch(fd, os.fsencode(path), ctypes.c_uint32(mask))
    if wd < 0:
        _fail(path)
    return wd


def inotify_rm_watch(fd: int, wd: int) -> None:
    """inotify_rm_watch(2)."""
    if _libc.inotify_rm_watch(fd, wd) < 0:
        _fail(None, "inotify_rm_watch")
