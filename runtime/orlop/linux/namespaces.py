"""Namespaces kept alive by bind mounts, without a process inside (namespaces(7)): make, join for a moment, drop.

A thread of its own unshares, prepares the inside, mounts /proc/thread-self/ns/<kind> on the given paths, and ends. A
user namespace cannot be made so: unshare(CLONE_NEWUSER) refuses a process with threads. A small process of its own
makes it (engine.sandbox.userns), with the namespaces that it owns, and they are pinned here by that process's pid.
Interfaces and addresses are not here.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Literal, TypeVar

from orlop.linux import mounts, syscalls
from orlop.linux.files import remove_file
from orlop.linux.own_thread import call_in_own_thread

T = TypeVar("T")

Kind = Literal["user", "net", "ipc", "uts"]

_FLAGS: dict[Kind, int] = {
    "user": syscalls.CLONE_NEWUSER,
    "net": syscalls.CLONE_NEWNET,
    "ipc": syscalls.CLONE_NEWIPC,
    "uts": syscalls.CLONE_NEWUTS,
}


def pin_new(kinds: Iterable[Kind], paths: Mapping[Kind, str], inside: Callable[[], object] | None = None) -> None:
    """Make new namespaces and pin each on its path (the file is created; its directory must exist).

    `inside` runs in the thread that is already in all of them: sysctls, host name, loopback. When it or a mount fails,
    nothing stays behind and the error is raised as it is.
    """
    wanted = list(dict.fromkeys(kinds))

    def work() -> None:
        syscalls.unshare(clone_flags(wanted))
        if inside is not None:
            inside()
        with ExitStack() as undo:
            for kind in wanted:
                _pin(f"/proc/thread-self/ns/{kind}", paths[kind], undo)
            undo.pop_all()

    if wanted:
        call_in_own_thread(work)


def _pin(source: str, path: str, undo: ExitStack) -> None:
    """Mount on a file of our own; a path that is in use already is the caller's mistake and stays untouched."""
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
    undo.callback(unpin, path)
    mounts.bind(source, path)


def clone_flags(kinds: Iterable[Kind]) -> int:
    """CLONE_NEW… flags of some kinds, as unshare(2) takes them."""
    flags = 0
    for kind in kinds:
        flags |= _FLAGS[kind]
    return flags


def pin_of(pid: int, paths: Mapping[Kind, str]) -> None:
    """Pin namespaces that a process has, each on its path (the file is created); all of them or none."""
    with ExitStack() as undo:
        for kind, path in paths.items():
            _pin(f"/proc/{pid}/ns/{kind}", path, undo)
        undo.pop_all()


def unpin(path: str) -> None:
    """Unmount and remove a pinned namespace; not there is fine. The kernel drops it when nobody uses it any more."""
    while mounts.is_mountpoint(path):
        mounts.unmount(path)
    remove_file(path)


def run_in_netns(path: str, fn: Callable[[], T]) -> T:
    """Run a function inside a network namespace, in a thread of its own that ends before this returns."""
    return _run_in(path, syscalls.CLONE_NEWNET, "network", fn)


def run_in_uts(path: str, fn: Callable[[], T]) -> T:
    """The same for a UTS namespace."""
    return _run_in(path, syscalls.CLONE_NEWUTS, "UTS", fn)


def _run_in(path: str, flag: int, kind: str, fn: Callable[[], T]) -> T:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:

        def work() -> T:
            try:
                syscalls.setns(fd, flag)
            except OSError as error:
                raise OSError(error.errno, f"not a {kind} namespace: {os.strerror(error.errno or 0)}", path) from error
            return fn()

        return call_in_own_thread(work)
    finally:
        os.close(fd)


def same_namespace(a: str, b: str) -> bool:
    """Whether two paths (pinned or /proc/<pid>/ns/<kind>) are the same namespace. False when one is not there."""
    try:
        first, second = os.stat(a), os.stat(b)
    except (FileNotFoundError, ProcessLookupError):
        return False
    # Both numbers: inode numbers of namespaces are unique on nsfs only.
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
