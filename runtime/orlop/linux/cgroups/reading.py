"""Cheap reading of cgroup files relative to an open directory, and their formats. Which files mean what is not here."""

import errno
import functools
import os
from collections.abc import Callable

from orlop.linux.cgroups.usage import Pressure, PressureLine

# Files of absent controllers are not there; a pressure file refuses when PSI is off; a removed cgroup says ENODEV.
ABSENT = frozenset({errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP, errno.EINVAL})

LARGEST = 16384
"""Bytes; no file that is read here is as long."""

Reader = Callable[[str], bytes | None]
"""Content of the file at a path; None when the kernel does not offer it, or the cgroup is gone."""


def read_file(path: str, directory: int | None = None) -> bytes | None:
    """Content of a cgroup file, three system calls; None when the kernel does not offer it, or the cgroup is gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise
    try:
        return os.read(fd, LARGEST)
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise
    finally:
        os.close(fd)


def as_number(data: bytes | None) -> int | None:
    """A file with one number; None when absent, or "max"."""
    return None if data is None or not data.strip().isdigit() else int(data)


class Directory:
    """An open cgroup directory. Reads are one open(2), one read(2), one close(2), no path walk."""

    def __init__(self, path: str) -> None:
        """Raises FileNotFoundError when the cgroup is not there."""
        self._fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def read(self, name: str) -> bytes | None:
        """Content of a file, None when the kernel does not offer it."""
        return read_file(name, self._fd)

    def number(self, name: str) -> int | None:
        """A file with one number; None when absent, or "max"."""
        return as_number(self.read(name))

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> "Directory":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@functools.cache
def hugepage_sizes() -> tuple[str, ...]:
    """Sizes of huge pages of this kernel, as cgroup files name them: "2MB", "1GB"."""
    try:
        names = os.listdir("/sys/kernel/mm/hugepages")
    except FileNotFoundError:  # a kernel without them
        return ()
    return tuple(_size_name(int(name.removeprefix("hugepages-").removesuffix("kB"))) for name in sorted(names))


def _size_name(kibibytes: int) -> str:
    for unit, size in (("GB", 1 << 20), ("MB", 1 << 10)):
        if kibibytes >= size:
            return f"{kibibytes // size}{unit}"
    return f"{kibibytes}KB"


def field(data: bytes | None, name: bytes) -> int | None:
    """The number of one "name number" line, found without splitting the other fifty."""
    if data is None:
        return None
    at = 0 if data.startswith(name + b" ") else data.find(b"\n" + name + b" ") + 1
    if at == 0 and not data.startswith(name + b" "):
        return None
    end = data.find(b"\n", at)
    return int(data[at + len(name) + 1 : end if end >= 0 else None])


def as_pressure(data: bytes | None) -> Pressure | None:
    """A pressure file (psi.rst); None when absent."""
    return parse_pressure(data) if data else None


def parse_pressure(data: bytes) -> Pressure:
    """ "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and the same for full."""
    lines = {}
    for line in data.splitlines():
        kind, *pairs = line.split()
        values = dict(pair.split(b"=", 1) for pair in pairs)
        lines[kind] = PressureLine(
            total=int(values[b"total"]),
            avg10=float(values[b"avg10"]),
            avg60=float(values[b"avg60"]),
            avg300=float(values[b"avg300"]),
        )
    return Pressure(some=lines.get(b"some"), full=lines.get(b"full"))
