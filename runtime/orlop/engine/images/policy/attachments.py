"""cosign's signatures in a registry: a manifest under the tag sha256-<hex>.sig, whose layers are payloads."""

from dataclasses import dataclass

import msgspec

from orlop.engine.images.manifest import MAX_MANIFEST, Manifest
from orlop.engine.images.policy.payload import MAX_PAYLOAD
from orlop.engine.images.source import Source
from orlop.engine.storage import digests
from orlop.model.errors import InvalidArgument, NotFound

PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
MAX_SIGNATURES = 32


@dataclass(frozen=True, slots=True)
class Attached:
    """A payload and the base64 signature over it."""

    payload: bytes
    signature: str


def tag(digest: str) -> str:
    """Where the signatures of a manifest are."""
    return f"{digest.replace(':', '-')}.sig"


async def signatures(source: Source, digest: str) -> list[Attached]:
    """All signatures of a manifest in its repository, at most MAX_SIGNATURES; none where there is no such tag."""
    try:
        document = await source.manifest(tag(digest))
    except NotFound:
        return []
    found = []
    for layer in (parse(document.data).layers or ())[:MAX_SIGNATURES]:
        signature = (layer.annotations or {}).get(SIGNATURE, "")
        if layer.media_type != PAYLOAD or not signature:
            continue
        if layer.size > MAX_PAYLOAD or not digests.is_digest(layer.digest):
            raise InvalidArgument("a signature's payload is too large, or has no digest")
        found.append(Attached(await source.blob(layer), signature))
    return found


def parse(data: bytes) -> Manifest:
    """The manifest of signatures. Raises InvalidArgument."""
    if len(data) > MAX_MANIFEST:
        raise InvalidArgument("the manifest of signatures is too large")
    try:
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(f"the manifest of signatures cannot be read: {error}") from error
