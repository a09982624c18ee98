"""The head of the HTTP/1.1 request that opens a session, and the answers to it. What follows is not read here."""

import re

import msgspec

from orlop.streaming.frames.errors import ProtocolError

MAX_HEAD = 1 << 14
"""Bytes."""
_END = b"\r\n\r\n"
_REQUEST = re.compile(r"(?P<method>[A-Z]{1,16}) (?P<target>/[!-~]*) HTTP/1\.1")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REASONS = {101: "Switching Protocols", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}


class Head(msgspec.Struct, frozen=True):
    """A request without its body."""

    method: str
    path: str
    headers: dict[str, list[str]]
    """By names in lower case; each header line is one value."""

    def words(self, name: str) -> list[str]:
        """The values of a header that is a list, over all its lines."""
        return [word for line in self.headers.get(name, ()) for part in line.split(",") if (word := part.strip())]

    @property
    def upgrade(self) -> str:
        """The protocol to which the client wants to change, in lower case; empty: none."""
        if "upgrade" not in [word.lower() for word in self.words("connection")]:
            return ""
        return next(iter(self.words("upgrade")), "").lower()

    @property
    def place(self) -> tuple[str, str]:
        """Verb and token of "/<verb>/<token>"; empty strings where the path is something else."""
        parts = self.path.split("/")
        return (parts[1], parts[2]) if len(parts) == 3 else ("", "")


def split_head(data: bytes) -> tuple[bytes, bytes] | None:
    """The head and what follows it; None while it is not whole. Raises ProtocolError when it is too long."""
    at = data.find(_END, 0, MAX_HEAD)
    if at < 0:
        if len(data) >= MAX_HEAD:
            raise ProtocolError(f"the request's head has more than {MAX_HEAD} bytes")
        return None
    return data[:at], data[at + len(_END) :]


def parse_head(head: bytes) -> Head:
    """Raises ProtocolError unless it is a well-formed request of HTTP/1.1."""
    first, *lines = head.decode("latin-1").split("\r\n")
    request = _REQUEST.fullmatch(first)
    if request is None:
        raise ProtocolError("the first line is not a request of HTTP/1.1")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name):
            raise ProtocolError("a line of the request's head is no header")
        headers.setdefault(name.lower(), []).append(value.strip(" \t"))
    return Head(request["method"], request["target"].partition("?")[0], headers)


def switching(upgrade: str, protocol: str) -> bytes:
    """The answer that changes the protocol."""
    return _head(101, ("Connection: Upgrade", f"Upgrade: {upgrade}", f"X-Stream-Protocol-Version: {protocol}"))


def refusal(code: int, text: str) -> bytes:
    """An answer with a sentence; the connection ends with it."""
    body = f"{text}\n".encode()
    lines = ("Connection: close", "Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(body)}")
    return _head(code, lines) + body


def _head(code: int, lines: tuple[str, ...]) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {code} {_REASONS[code]}", *lines, "", "")).encode()
