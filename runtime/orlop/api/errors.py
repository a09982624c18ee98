"""The one place where errors become gRPC statuses.

Errors of the domain keep their own text. Anything else is a bug or an unforeseen answer of the system: it is logged
with its traceback under a reference number, and the client gets the number.
"""

import logging
import secrets

import grpc
import msgspec

from orlop.model import errors as model

log = logging.getLogger(__name__)

CODES: dict[type[model.OrlopError], grpc.StatusCode] = {
    model.InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    model.NotFound: grpc.StatusCode.NOT_FOUND,
    model.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    model.FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    model.Unavailable: grpc.StatusCode.UNAVAILABLE,
    model.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    model.ResourceExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    model.Unsupported: grpc.StatusCode.UNIMPLEMENTED,
    model.TimedOut: grpc.StatusCode.DEADLINE_EXCEEDED,
    model.DataLoss: grpc.StatusCode.DATA_LOSS,
    model.RegistryUnavailable: grpc.StatusCode.UNKNOWN,
    model.SignatureValidationFailed: grpc.StatusCode.UNKNOWN,
    model.ImageVolumeMountFailed: grpc.StatusCode.UNKNOWN,
    model.OrlopError: grpc.StatusCode.UNKNOWN,
}

REASONS: dict[type[model.OrlopError], str] = {
    model.RegistryUnavailable: "RegistryUnavailable",
    model.SignatureValidationFailed: "SignatureValidationFailed",
    model.ImageVolumeMountFailed: "ImageVolumeMountFailed",
}
"""What the kubelet looks for at the beginning of a text (cri-api pkg/errors), and only where the code is UNKNOWN."""

# A status travels in HTTP/2 trailers, and clients refuse more than 8 KiB of them; non-ASCII grows threefold there.
TEXT_LIMIT = 2500


class Status(msgspec.Struct, frozen=True):
    """What a client gets in place of an answer."""

    code: grpc.StatusCode
    text: str


def status_of(error: Exception) -> Status:
    """The status for an error. One that is not of the domain is logged here."""
    for kind in type(error).__mro__:
        if kind in CODES:
            return Status(CODES[kind], _short(f"{REASONS[kind]}: {error}" if kind in REASONS else str(error)))
    reference = secrets.token_hex(4)
    log.error("unexpected error, reference %s", reference, exc_info=error)
    text = f"unexpected {type(error).__name__}: {error} (the daemon's log has the details under reference {reference})"
    return Status(grpc.StatusCode.INTERNAL, _short(text))


def _short(text: str) -> str:
    """Begin and end of a long text: the object and step are in front, the cause is last."""
    text = text.replace("\x00", "\\0")
    if len(text) <= TEXT_LIMIT:
        return text
    half = TEXT_LIMIT // 2
    return f"{text[:half]} … {text[-half:]}"
