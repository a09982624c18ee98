"""host-local's leases: a file for each address, named after it, that holds container id and interface.

The format is the plugin's (its README, "Files"), and so is the lock, so that both may give addresses in turns.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address

from orlop.engine.cni.builtin.settings import Range
from orlop.linux.files import read_text_or
from orlop.linux.netlink.addresses import Address

_LAST = "last_reserved_ip"
_PAUSE = 0.002
_MOST_BYTES = 4096


class Leases:
    """The leases of one network."""

    def __init__(self, directory: str, time_limit: float) -> None:
        """time_limit: seconds to wait for somebody else's lock."""
        self._directory = directory
        self._time_limit = time_limit
        os.makedirs(directory, 0o755, exist_ok=True)

    def take(self, owner: tuple[str, str], range_sets: Sequence[Sequence[Range]]) -> list[tuple[Address, Range]]:
        """One address of each set for (container id, interface); all of them or, with an OSError, none."""
        found: list[tuple[Address, Range]] = []
        with self._locked():
            mine = self._of(owner)
            try:
                for number, ranges in enumerate(range_sets):
                    found.append(self._take_one(owner, ranges, number, mine))
            except BaseException:
                for address, _ in found:
                    os.unlink(self._path(str(address)))
                raise
        return found

    def release(self, owner: tuple[str, str]) -> None:
        """Give back all that the container's interface has; nothing is fine."""
        with self._locked():
            for name in self._of(owner):
                os.unlink(self._path(name))

    def _take_one(
        self, owner: tuple[str, str], ranges: Sequence[Range], number: int, mine: Sequence[str]
    ) -> tuple[Address, Range]:
        for name in mine:
            if (address := _address(name)) and any(address in each for each in ranges):
                raise OSError(errno.EEXIST, f"{name} has been given to {owner[0]} already")
        last = _address(read_text_or(self._path(f"{_LAST}.{number}"), ""))
        for address, among in candidates(ranges, last):
            if self._reserve(str(address), owner):
                self._write(f"{_LAST}.{number}", str(address), os.O_TRUNC)
                return address, among
        told = ", ".join(f"{each.start}-{each.end}" for each in ranges)
        raise OSError(errno.EADDRNOTAVAIL, f"no address is free in {told}")

    def _reserve(self, name: str, owner: tuple[str, str]) -> bool:
        try:
            self._write(name, "\r\n".join(owner), os.O_EXCL)
        except FileExistsError:
            return False
        return True

    def _write(self, name: str, content: str, flag: int) -> None:
        fd = os.open(self._path(name), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flag, 0o600)
        try:
            os.write(fd, content.encode())
        except BaseException:
            os.unlink(self._path(name))
            raise
        finally:
            os.close(fd)

    def _of(self, owner: tuple[str, str]) -> list[str]:
        """Names of the owner's files; where none is, of those that an old host-local wrote without the interface."""
        contents = {name: self._content(name) for name in os.listdir(self._directory)}
        wanted = "\r\n".join(owner)
        return [name for name, content in contents.items() if content == wanted] or [
            name for name, content in contents.items() if content == owner[0]
        ]

    def _content(self, name: str) -> str:
        try:
            fd = os.open(self._path(name), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                return os.read(fd, _MOST_BYTES).decode(errors="replace").strip()
            finally:
                os.close(fd)
        except OSError:
            return ""  # gone meanwhile, or a directory

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fd = os.open(self._path("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o750)
        try:
            self._lock(fd)
            yield
        finally:
            os.close(fd)

    def _lock(self, fd: int) -> None:
        end = time.monotonic() + self._time_limit
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > end:
                    raise TimeoutError(errno.ETIMEDOUT, f"another process holds {self._path('lock')}") from None
                time.sleep(_PAUSE)

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)


def candidates(ranges: Sequence[Range], last: Address | None) -> Iterator[tuple[Address, Range]]:
    """Addresses in host-local's order: from the one after the last, round all ranges, never a gateway's."""
    at = next((number for number, each in enumerate(ranges) if last is not None and last in each), None)
    number, address = (at, last) if at is not None else (0, None)
    first: Address | None = None
    while True:
        among = ranges[number]
        if address is None:
            address = among.start
        elif address == among.end:
            number = (number + 1) % len(ranges)
            among = ranges[number]
            address = among.start
        else:
            address += 1
        if address == first:
            return
        first = first or address
        if address != among.gateway:
            yield address, among


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
