"""The seam itself: every failing call raises OSError with its errno and path; structures have the kernel's sizes."""

import ctypes
import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orlop.linux import syscalls

NOWHERE = "/nowhere/at/all"
BAD_FD = 1 << 20


def test_structures_have_the_kernels_sizes() -> None:
    assert ctypes.sizeof(syscalls._Statx) == 256
    assert syscalls._Statx.attributes_mask.offset == 56
    assert syscalls._Statx.mnt_id.offset == 144
    assert ctypes.sizeof(syscalls._MountAttr) == 32
    assert ctypes.sizeof(syscalls._OpenHow) == 24


@pytest.mark.parametrize(
    ("call", "number", "path"),
    [
        (lambda: syscalls.mount("none", NOWHERE, "tmpfs", 0), errno.ENOENT, NOWHERE),
        (lambda: syscalls.umount2(NOWHERE, 0), errno.ENOENT, NOWHERE),
        (lambda: syscalls.open_tree(NOWHERE, syscalls.OPEN_TREE_CLOEXEC), errno.ENOENT, NOWHERE),
        (lambda: syscalls.move_mount(BAD_FD, "/proc"), errno.EBADF, "/proc"),
        (lambda: syscalls.fsopen("nosuchfs"), errno.ENODEV, "nosuchfs"),
        (lambda: syscalls.mount_setattr(syscalls.AT_FDCWD, NOWHERE, 0, set_=1), errno.ENOENT, NOWHERE),
        (lambda: syscalls.openat2(syscalls.AT_FDCWD, NOWHERE, os.O_RDONLY, 0, 0), errno.ENOENT, NOWHERE),
        (lambda: syscalls.statx_mount(NOWHERE), errno.ENOENT, NOWHERE),
        (lambda: syscalls.inotify_add_watch(BAD_FD, "/proc", 1), errno.EBADF, "/proc"),
    ],
)
@pytest.mark.root
def test_failures_carry_errno_and_path(call: Callable[[], object], number: int, path: str) -> None:
    with pytest.raises(OSError) as caught:
        call()
    assert (caught.value.errno, caught.value.filename) == (number, path)
    assert os.strerror(number) in str(caught.value)


@pytest.mark.parametrize(
    ("call", "number", "word"),
    [
        (lambda: syscalls.setns(BAD_FD), errno.EBADF, "setns"),
        (lambda: syscalls.unshare(1 << 1), errno.EINVAL, "unshare"),
        (lambda: syscalls.sethostname("x" * 65), errno.EINVAL, "sethostname 'xxx"),
        (lambda: syscalls.inotify_rm_watch(BAD_FD, 1), errno.EBADF, "inotify_rm_watch"),
    ],
)
@pytest.mark.root
def test_failures_without_path_name_the_call(call: Callable[[], object], number: int, word: str) -> None:
    with pytest.raises(OSError, match=word) as caught:
        call()
    assert caught.value.errno == number


@pytest.mark.root
def test_the_kernels_words_are_told() -> None:
    """A filesystem context explains itself; errno alone would be EINVAL."""
    context = syscalls.fsopen("tmpfs")
    try:
        with pytest.raises(OSError, match=r"nosuchoption=1; .*nosuchoption"):
            syscalls.fsconfig_string(context, "nosuchoption", "1")
        with pytest.raises(OSError, match="nosuchflag"):
            syscalls.fsconfig_flag(context, "nosuchflag")
    finally:
        os.close(context)


def test_openat2_is_close_on_exec(tmp_path: Path) -> None:
    descriptor = syscalls.openat2(syscalls.AT_FDCWD, str(tmp_path), os.O_RDONLY, 0, 0)
    try:
        assert not os.get_inheritable(descriptor)
    finally:
        os.close(descriptor)


def test_statx_tells_mount_roots() -> None:
    mount_id, root = syscalls.statx_mount("/proc")
    inner_id, inner_root = syscalls.statx_mount("/proc/self")
    assert root
    assert not inner_root
    assert mount_id == inner_id > 0


def test_subreaper_flag() -> None:
    """In a process of its own: the flag stays for a process's life."""
    code = (
        "from orlop.linux import syscalls as s; before = s.is_child_subreaper(); s.set_child_subreaper();"
        "print(before, s.is_child_subreaper())"
    )
    env = {"PYTHONPATH": str(Path(syscalls.__file__).parents[2])}
    answer = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "True"]
