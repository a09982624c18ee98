"""Overlay mounts (overlayfs.rst), however many layers: by the new mount API, or by mount(2) on kernels before 6.7.

Where the layers are and what is in them is the storage's business.
"""

import errno
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache

from orlop.linux import syscalls
from orlop.linux.own_thread import call_in_own_thread

# fsconfig(2) refuses longer strings; mount(2) takes one page of options with the final zero.
_STRING_LIMIT = 255
_PAGE = 4096


@cache
def appends_layers() -> bool:
    """Whether this kernel takes one "lowerdir+" per layer (Linux 6.7). Asked once."""
    # Before 6.5 overlayfs takes any setting whatever and judges only when the filesystem is made.
    return not _takes("no such setting") and _takes("lowerdir+")


def _takes(setting: str) -> bool:
    fs = syscalls.fsopen("overlay")
    try:
        syscalls.fsconfig_string(fs, setting, "/")
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return False
    finally:
        os.close(fs)
    return True


def mount_overlay(
    target: str,
    lower: Sequence[str],
    upper: str | None,
    work: str | None,
    *,
    volatile: bool,
    idmap_fd: int | None,
    context: str = "",
) -> None:
    """See mounts.overlay."""
    if idmap_fd is not None:
        _idmapped_overlay(target, lower, upper, work, volatile=volatile, idmap_fd=idmap_fd, context=context)
    elif appends_layers():
        _by_context(target, lower, upper, work, volatile=volatile, idmap_fd=None, context=context)
    else:
        _by_options(target, lower, upper, work, volatile=volatile, context=context)


def _idmapped_overlay(
    target: str,
    lower: Sequence[str],
    upper: str | None,
    work: str | None,
    *,
    volatile: bool,
    idmap_fd: int,
    context: str = "",
) -> None:
    """Before Linux 6.15 a layer must be mounted somewhere; until the overlay has its own copy, beside the target."""
    if appends_layers():
        try:
            _by_context(target, lower, upper, work, volatile=volatile, idmap_fd=idmap_fd, context=context)
            return
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
    with attached_layers(target, lower, idmap_fd) as layers:
        mount_overlay(target, layers, upper, work, volatile=volatile, idmap_fd=None, context=context)


@contextmanager
def attached_layers(target: str, lower: Sequence[str], idmap_fd: int) -> Iterator[list[str]]:
    """Idmapped copies of layers, mounted for the moment. Where this process dies they stay beside the target."""
    with ExitStack() as undo:
        directory = tempfile.mkdtemp(prefix=".layers-", dir=os.path.dirname(target))
        undo.callback(os.rmdir, directory)
        found: list[str] = []
        for number, layer in enumerate(lower):
            path = f"{directory}/{number}"
            os.mkdir(path)
            undo.callback(os.rmdir, path)
            with ExitStack() as fds:
                syscalls.move_mount(_idmapped_tree(fds, layer, idmap_fd), path)
            undo.callback(syscalls.umount2, path, syscalls.MNT_DETACH | syscalls.UMOUNT_NOFOLLOW)
            found.append(path)
        yield found


def _by_context(
    target: str,
    lower: Sequence[str],
    upper: str | None,
    work: str | None,
    *,
    volatile: bool,
    idmap_fd: int | None,
    context: str = "",
) -> None:
    with ExitStack() as fds:
        fs = _held(fds, syscalls.fsopen("overlay"))
        syscalls.fsconfig_string(fs, "source", "overlay")
        try:
            for layer in lower:
                name = _short(fds, layer) if idmap_fd is None else _idmapped(fds, layer, idmap_fd)
                syscalls.fsconfig_string(fs, "lowerdir+", name)
            if upper is not None and work is not None:
                syscalls.fsconfig_string(fs, "upperdir", _short(fds, upper))
                syscalls.fsconfig_string(fs, "workdir", _short(fds, work))
                if volatile:
                    syscalls.fsconfig_flag(fs, "volatile")
            if context:
                syscalls.fsconfig_string(fs, "context", context)
            syscalls.fsconfig_create(fs)
        except OSError as error:
            raise OSError(error.errno, f"overlay: {error.strerror}", target) from error
        syscalls.move_mount(_held(fds, syscalls.fsmount(fs)), target)


def _held(fds: ExitStack, fd: int) -> int:
    fds.callback(os.close, fd)
    return fd


def _opened(fds: ExitStack, path: str) -> int:
    return _held(fds, os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))


def _short(fds: ExitStack, path: str) -> str:
    """The path itself, or where it is too long for one setting, a name by a descriptor."""
    return path if len(os.fsencode(path)) <= _STRING_LIMIT else f"/proc/thread-self/fd/{_opened(fds, path)}"


def _idmapped(fds: ExitStack, path: str, userns_fd: int) -> str:
    """A detached, idmapped copy of a layer's mount, named by its descriptor."""
    return f"/proc/thread-self/fd/{_idmapped_tree(fds, path, userns_fd)}"


def _idmapped_tree(fds: ExitStack, path: str, userns_fd: int) -> int:
    """The descriptor of such a copy (mount_setattr(2), MOUNT_ATTR_IDMAP)."""
    tree = _held(fds, syscalls.open_tree(path, syscalls.OPEN_TREE_CLONE | syscalls.OPEN_TREE_CLOEXEC))
    syscalls.mount_setattr(tree, "", syscalls.AT_EMPTY_PATH, set_=syscalls.MOUNT_ATTR_IDMAP, userns_fd=userns_fd)
    return tree


def _escape(path: str) -> str:
    """Backslash, comma and colon have a meaning in mount(2)'s option string."""
    return path.replace("\\", "\\\\").replace(",", "\\,").replace(":", "\\:")


def _options(lower: Sequence[str], upper: str | None, work: str | None, *, volatile: bool, context: str = "") -> str:
    text = f"lowerdir={':'.join(lower)}"
    if upper is not None and work is not None:
        text += f",upperdir={upper},workdir={work}" + (",volatile" if volatile else "")
    # A label holds commas.
    return text + (f',context="{context}"' if context else "")


def _by_options(
    target: str, lower: Sequence[str], upper: str | None, work: str | None, *, volatile: bool, context: str = ""
) -> None:
    escaped = [_escape(layer) for layer in lower]
    options = _options(escaped, upper and _escape(upper), work and _escape(work), volatile=volatile, context=context)
    if len(os.fsencode(options)) < _PAGE:
        syscalls.mount("overlay", target, "overlay", 0, options)
    else:
        # Only a thread that shares its working directory with nobody may change it.
        call_in_own_thread(lambda: _by_descriptors(target, lower, upper, work, volatile=volatile, context=context))


def _by_descriptors(
    target: str, lower: Sequence[str], upper: str | None, work: str | None, *, volatile: bool, context: str = ""
) -> None:
    """With /proc/thread-self/fd as working directory every layer's relative path is its descriptor's few digits."""
    with _descriptors([*lower, *([upper, work] if upper and work else [])]) as names:
        layers, rest = names[: len(lower)], [*names[len(lower) :], None, None]
        options = _options(layers, rest[0], rest[1], volatile=volatile, context=context)
        absolute = os.path.abspath(target)
        syscalls.unshare(syscalls.CLONE_FS)
        os.chdir("/proc/thread-self/fd")
        syscalls.mount("overlay", absolute, "overlay", 0, options)


@contextmanager
def _descriptors(paths: Sequence[str]) -> Iterator[list[str]]:
    with ExitStack() as fds:
        yield [str(_opened(fds, path)) for path in paths]
