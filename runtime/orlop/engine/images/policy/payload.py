"""What is signed (containers-signature(5); cosign's has the same shape): which digest, under which name. Pure.

Read only after its signature was found good; it is still untrusted input, for a key may have signed anything.
"""

from typing import Final

import msgspec

from orlop.model.errors import InvalidArgument

SIMPLE: Final = "atomic container signature"
SIGSTORE: Final = "cosign container image signature"
MAX_PAYLOAD = 1 << 20


class _Image(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    docker_manifest_digest: str


class _Identity(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    docker_reference: str


class _Critical(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    image: _Image
    identity: _Identity
    type: str


class _Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    critical: _Critical
    optional: dict[str, object] | None = None


class Claim(msgspec.Struct, frozen=True):
    """What a good signature says."""

    digest: str
    """Of a manifest."""
    name: str
    """Reference of the image."""


def parse(data: bytes, kind: str) -> Claim:
    """Read a payload of a kind. Raises InvalidArgument; a key that is not known is one that must be understood."""
    if len(data) > MAX_PAYLOAD:
        raise InvalidArgument(f"its payload has more than {MAX_PAYLOAD} bytes")
    try:
        critical = msgspec.json.decode(data, type=_Payload).critical
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(f"its payload cannot be read: {error}") from error
    if critical.type != kind:
        raise InvalidArgument(f"its payload is of type {critical.type[:100]!r}, not {kind!r}")
    return Claim(digest=critical.image.docker_manifest_digest, name=critical.identity.docker_reference)
