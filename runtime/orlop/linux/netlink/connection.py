"""A netlink socket: requests with their acknowledgement, dumps, and batches. It belongs to the network namespace of
the thread that made it, for as long as it is open.

Why not pyroute2: its import costs the daemon 0.2 s of CPU time and 25 MiB, and what is needed here is a dozen messages.
"""

import errno
import os
import socket
import struct
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from orlop.linux.netlink import messages
from orlop.linux.netlink.messages import ACK, DONE, DUMP, ERROR, REQUEST, Message

ROUTE, NETFILTER = 0, 12
"""Protocols (netlink(7))."""
_TIME_LIMIT = struct.pack("@ll", 30, 0)
"""The kernel answers at once; a socket that stays silent must not keep a thread for ever."""
_BUFFER = 1 << 18
_TRIES = 5


class NetlinkError(OSError):
    """The kernel refused a request; errno says why."""


class Connection:
    """One socket. Blocks for as long as the kernel works, which is microseconds to a few milliseconds."""

    def __init__(self, protocol: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._sequence = 0
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIME_LIMIT)
            self._socket.bind((0, 0))
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def request(self, kind: int, body: bytes, flags: int = 0, *, what: str) -> list[Message]:
        """Send one request; its answers, without the acknowledgement. Raises NetlinkError naming `what`."""
        sequence = self._next()
        self._socket.send(messages.message(kind, REQUEST | ACK | flags, sequence, body))
        found: list[Message] = []
        while True:
            for answer in self._receive():
                if answer.sequence != sequence:
                    continue  # an answer that an interrupted request did not wait for
                if answer.kind == ERROR:
                    _check(answer, what)
                    return found
                found.append(answer)

    def dump(self, kind: int, body: bytes, *, what: str) -> list[Message]:
        """All objects of a kind. One that was interrupted by a change is begun again."""
        for _ in range(_TRIES):
            try:
                return self._dump(kind, body, what)
            except InterruptedError:
                continue
        raise NetlinkError(errno.EINTR, f"{what}: it changed while it was read, {_TRIES} times")

    def _dump(self, kind: int, body: bytes, what: str) -> list[Message]:
        sequence = self._next()
        self._socket.send(messages.message(kind, REQUEST | DUMP, sequence, body))
        found: list[Message] = []
        interrupted = False
        while True:
            for answer in self._receive():
                if answer.sequence != sequence:
                    continue
                interrupted = interrupted or bool(answer.flags & 0x10)  # NLM_F_DUMP_INTR
                if answer.kind == ERROR:
                    _check(answer, what)
                if answer.kind in (DONE, ERROR):
                    if interrupted:
                        raise InterruptedError
                    return found
                found.append(answer)

    def batch(self, begin: bytes, requests: Sequence[tuple[int, int, bytes, str]], end: bytes) -> None:
        """Requests (kind, flags, body, what) that take effect together or not at all, between two framing messages.

        Raises the first refusal.
        """
        first = self._sequence + 1
        data = [begin]
        for kind, flags, body, _ in requests:
            data.append(messages.message(kind, REQUEST | ACK | flags, self._next(), body))
        self._socket.send(b"".join([*data, end]))
        waiting = {first + number: what for number, (_, _, _, what) in enumerate(requests)}
        while waiting:
            for answer in self._receive():
                if answer.kind != ERROR:
                    continue
                # A batch that is refused as a whole is told by an error to its framing message, sequence 0.
                _check(answer, waiting.pop(answer.sequence, "the transaction"))

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    def _receive(self) -> list[Message]:
        try:
            return list(messages.messages(self._socket.recv(_BUFFER)))
        except BlockingIOError:
            raise NetlinkError(errno.ETIMEDOUT, "the kernel does not answer") from None


def _check(answer: Message, what: str) -> None:
    """An acknowledgement is an error with number 0."""
    number = -int(struct.unpack_from("=i", answer.body)[0])
    if number:
        raise NetlinkError(number, f"{what}: {os.strerror(number)}")
