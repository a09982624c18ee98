"""Files of an image archive by name, from a directory or a tar, without unpacking it. Their meaning is in archives.

Archives are untrusted: links are followed inside the archive only, and every read is bounded.
"""

import os
import posixpath
import tarfile
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol

from orlop.aio.threads import offload
from orlop.engine.storage.inflate import CHUNK, decoder
from orlop.engine.storage.unpacking import compression
from orlop.linux.paths import open_file_in_root
from orlop.model.errors import InvalidArgument, NotFound, ResourceExhausted

MAX_MEMBERS = 100_000
_MAX_LINKS = 8


class Files(Protocol):
    """Named files."""

    path: str
    """Of the archive, for messages."""

    def open(self, name: str) -> tuple[int, int, int]:
        """A descriptor of its own, and where in it the file begins and how long it is. Raises NotFound."""
        ...


class DirectoryFiles:
    """Files below a directory."""

    def __init__(self, path: str) -> None:
        self.path = path

    def open(self, name: str) -> tuple[int, int, int]:
        """Open a file inside the directory."""
        try:
            fd = open_file_in_root(self.path, name)
        except OSError as error:
            raise NotFound(f"{self.path} has no readable {name}: {error.strerror}") from error
        return fd, 0, os.fstat(fd).st_size


class TarFiles:
    """Files of a plain tar: an index of names, and the tar itself for their content."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        self._members: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                for count, member in enumerate(tar):
                    self._note(member, count)
        except (tarfile.TarError, ValueError, EOFError, RecursionError) as error:  # the library recurses over headers
            raise InvalidArgument(f"{path} is not a tar archive: {error}") from error

    def _note(self, member: tarfile.TarInfo, count: int) -> None:
        if count >= MAX_MEMBERS:
            raise InvalidArgument(f"{self.path} has more than {MAX_MEMBERS} members: it is no image archive")
        name = posixpath.normpath(member.name).lstrip("/")
        if member.isreg() and not member.issparse():
            self._members[name] = (member.offset_data, member.size)
        elif member.issym():  # docker save links equal layers
            self._links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
        elif member.islnk():
            self._links[name] = posixpath.normpath(member.linkname)

    def open(self, name: str) -> tuple[int, int, int]:
        """The tar's descriptor and the member's place in it."""
        wanted = posixpath.normpath(name)
        for _ in range(_MAX_LINKS):
            if wanted not in self._links:
                break
            wanted = self._links[wanted]
        if wanted not in self._members:
            raise NotFound(f"{self.path} has no {name}")
        offset, size = self._members[wanted]
        return os.dup(self._file.fileno()), offset, size


@contextmanager
def open_files(path: str, scratch: str) -> Iterator[Files]:
    """An archive's files. A compressed tar is first inflated into an unnamed file in `scratch`. Blocks."""
    try:
        if os.path.isdir(path):
            yield DirectoryFiles(path)
            return
        file = open(path, "rb")  # noqa: SIM115  # closed below; a block would double the nesting
    except OSError as error:
        raise NotFound(f"cannot read {path}: {error.strerror}") from error
    with file, _plain(path, file, scratch) as tar:
        yield TarFiles(path, tar)


@contextmanager
def _plain(path: str, file: BinaryIO, scratch: str) -> Iterator[BinaryIO]:
    kind = compression(file.read(4))
    file.seek(0)
    if kind == "none":
        yield file
        return
    with tempfile.TemporaryFile(dir=scratch) as plain:
        try:
            for chunk in _inflated(path, file, kind):
                plain.write(chunk)
            plain.flush()
        except OSError as error:
            raise ResourceExhausted(f"cannot inflate {path} into {scratch}: {error.strerror}") from error
        plain.seek(0)
        yield plain


def _inflated(path: str, file: BinaryIO, kind: str) -> Iterator[bytes]:
    stream = decoder(kind)(file)
    while True:
        try:
            chunk = stream.read(CHUNK)
        except Exception as error:  # each decoder has errors of its own
            raise InvalidArgument(f"{path} cannot be decompressed: {error}") from error
        if not chunk:
            return
        yield chunk


def read(files: Files, name: str, limit: int) -> bytes:
    """A small file, whole. Blocks."""
    fd, offset, size = files.open(name)
    try:
        if size > limit:
            raise InvalidArgument(f"{name} in {files.path} has {size} bytes; at most {limit} are read")
        return os.pread(fd, size, offset)
    finally:
        os.close(fd)


async def stream(files: Files, name: str) -> AsyncGenerator[bytes, None]:
    """A file of any size, in chunks."""
    fd, offset, size = await offload(files.open, name)
    try:
        while size > 0:
            chunk = await offload(os.pread, fd, min(CHUNK, size), offset)
            if not chunk:
                return  # the archive is shorter than its index says: the reader misses the rest
            offset, size = offset + len(chunk), size - len(chunk)
            yield chunk
    finally:
        os.close(fd)
