"""Small files and trees: atomic writes, reads of kernel files, removal.

No paths from untrusted input (see paths.py).
"""

import errno
import os
import secrets
import stat
import threading
from collections.abc import Callable
from itertools import count

from orlop.linux import syscalls

_serial = count()
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def write_atomic(path: str, data: bytes | str, mode: int = 0o644, *, sync: bool = False) -> None:
    """Write a file so that readers see the old or the new content, never a part: temporary file and rename(2).

    With `sync` the content and the directory entry survive a power loss (fsync(2) of both).
    """
    # Unique among processes and threads; the leading dot keeps it out of directory scans for "*.conf".
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name}.{os.getpid()}.{threading.get_native_id()}.{next(_serial)}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        try:
            write_all(fd, data.encode() if isinstance(data, str) else data)
            os.fchmod(fd, mode)  # the umask must not decide
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, path)
    except BaseException:
        remove_file(temporary)
        raise
    if sync:
        sync_directory(directory or ".")


def write_all(fd: int, data: bytes) -> None:
    """Write everything, however many write(2) calls it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def write_value(path: str, value: str) -> None:
    """Write one value into a kernel file (/proc, /sys) with one write(2), without creating it.

    A refusal raises OSError whose filename is the path; its `strerror` also names the value.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, value.encode())
        finally:
            os.close(fd)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {value!r}: {os.strerror(error.errno or 0)}", path) from error


def read_bytes(path: str, *, limit: int | None = None) -> bytes:
    """The whole file; with `limit`, OSError EFBIG when it holds more bytes than that."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        chunks: list[bytes] = []
        size = 0
        while chunk := os.read(fd, 1 << 16):
            chunks.append(chunk)
            size += len(chunk)
            if limit is not None and size > limit:
                raise OSError(errno.EFBIG, f"larger than {limit} bytes", path)
        return b"".join(chunks)
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, os.strerror(error.errno or 0), path) from None  # read(2) knows no path
    finally:
        os.close(fd)


def read_text(path: str, *, limit: int | None = None) -> str:
    """The whole file as UTF-8; bytes that are not UTF-8 become U+FFFD."""
    return read_bytes(path, limit=limit).decode(errors="replace")


def read_text_or(path: str, default: str) -> str:
    """Like read_text; `default` when the file does not exist."""
    try:
        return read_text(path)
    except FileNotFoundError:
        return default


def ensure_dir(path: str, mode: int = 0o755) -> None:
    """Make a directory and its parents; the last one gets exactly `mode`, also when it exists already."""
    os.makedirs(path, exist_ok=True)
    if stat.S_IMODE(os.stat(path).st_mode) != mode:
        os.chmod(path, mode)


def ensure_file(path: str, mode: int = 0o644) -> None:
    """Make an empty file (a bind mount's target) unless something is there; parents must exist."""
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, mode))


def remove_file(path: str) -> bool:
    """Unlink; False when it was not there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def remove_dir(path: str) -> bool:
    """Remove an empty directory; False when it was not there."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return False
    return True


def remove_tree(path: str) -> bool:
    """Remove a file or a whole tree; False when it was not there. Symbolic links are removed, never followed.

    Made for trees that others filled: depth, path lengths and open descriptors are bounded, for a subdirectory that is
    not empty is moved up to the root of the tree before its turn comes. Something that vanishes meanwhile is fine.
    Anything else (EBUSY of a mount point, EIO) ends in the first OSError, after all that can go has gone.
    """
    try:
        root = os.open(path, _DIRECTORY)
    except FileNotFoundError:
        return False
    except NotADirectoryError:  # a file or, by O_NOFOLLOW, a link
        return remove_file(path)
    try:
        removal = _Removal(root)
        removal.run(path)
    finally:
        os.close(root)
    if removal.errors:
        raise removal.errors[0]
    return remove_dir(path)


class _Removal:
    """The removal of all below one open directory."""

    def __init__(self, root: int) -> None:
        self.errors: list[OSError] = []
        self._root = root
        self._prefix = f".{secrets.token_hex(8)}-"
        self._lifted = count()
        self._todo: list[tuple[str, str]] = []
        """Directories: name in the root, and the path they had, for messages."""

    def run(self, path: str) -> None:
        """Empty the directories of the list, which grows by those inside, then remove them."""
        self._empty(self._root, path, in_root=True)
        emptied = []
        while self._todo:
            name, shown = self._todo.pop()
            try:
                directory = os.open(
                    name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._root
                )
            except FileNotFoundError:
                continue
            try:
                self._empty(directory, shown)
            finally:
                os.close(directory)
            emptied.append((name, shown))
        for name, shown in emptied:
            self._noting(shown, _removed_empty, name, self._root)

    def _empty(self, directory: int, shown: str, *, in_root: bool = False) -> None:
        for entry, is_directory in _entries(directory):
            inner = f"{shown}/{entry}"
            if not is_directory:
                self._noting(inner, _unlink, entry, directory)
            elif in_root:
                self._todo.append((entry, inner))
            else:
                self._noting(inner, self._lift, entry, directory, inner)

    def _lift(self, entry: str, directory: int, shown: str) -> None:
        """Remove a subdirectory if it is empty, else move it up to the root."""
        if not _removed_empty(entry, directory):
            name = f"{self._prefix}{next(self._lifted)}"
            os.rename(entry, name, src_dir_fd=directory, dst_dir_fd=self._root)
            self._todo.append((name, shown))

    def _noting(self, shown: str, step: Callable[..., object], *args: object) -> None:
        try:
            step(*args)
        except FileNotFoundError:
            pass  # somebody else removes it too
        except OSError as error:
            self.errors.append(OSError(error.errno, os.strerror(error.errno or 0), shown))


def _entries(directory: int) -> list[tuple[str, bool]]:
    with os.scandir(directory) as entries:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]


def _unlink(name: str, directory: int) -> None:
    os.unlink(name, dir_fd=directory)


def _removed_empty(name: str, directory: int) -> bool:
    """rmdir(2); False when it is not empty."""
    try:
        os.rmdir(name, dir_fd=directory)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def sync_directory(path: str) -> None:
    """Make a directory's entries survive a power loss (fsync(2) of the directory)."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_filesystem(path: str) -> None:
    """Make everything on the filesystem that holds a path survive a power loss (syncfs(2)). Slow: use offload."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.syncfs(fd)
    finally:
        os.close(fd)
