"""What can go wrong with a ttrpc connection and with a call on it. Not the errors of the domain: callers translate."""

from enum import IntEnum


class Code(IntEnum):
    """Statuses that are made or told apart here; the numbers are gRPC's (google/rpc/code.proto)."""

    OK = 0
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


class StatusError(Exception):
    """The call was answered with an error, or has no answer that could be used. The text is the peer's own."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message or f"status {code}")
        self.code = code
        """gRPC's number; a peer may send one that Code does not name."""


class Disconnected(ConnectionError):
    """The peer closed the connection, or it broke: whether a call that waited was carried out is not known."""


class ProtocolError(ConnectionError):
    """The peer sent something that is not ttrpc; nothing after it can be trusted."""
