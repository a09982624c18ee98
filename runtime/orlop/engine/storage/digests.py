"""Digests as images write them, "sha256:<hex>", and the chain ids made of them. Pure."""

import hashlib
import re
from collections.abc import Sequence

_PATTERN = re.compile(r"(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})")


def is_digest(text: str) -> bool:
    """Whether this is a digest of a supported algorithm (image-spec descriptor.md, "Registered algorithms")."""
    return _PATTERN.fullmatch(text) is not None


def algorithm(digest: str) -> str:
    """ "sha256" or "sha512"."""
    return digest.partition(":")[0]


def hexadecimal(digest: str) -> str:
    """The part after the colon."""
    return digest.partition(":")[2]


def of(data: bytes, *, like: str = "sha256:") -> str:
    """The digest of some bytes, by the algorithm of another digest."""
    name = algorithm(like)
    return f"{name}:{hashlib.new(name, data).hexdigest()}"


def chain_ids(diff_ids: Sequence[str]) -> tuple[str, ...]:
    """The chain id of each layer, base first: what it is and all that lies below it (image-spec config.md)."""
    chain: list[str] = []
    for diff_id in diff_ids:
        chain.append(of(f"{chain[-1]} {diff_id}".encode()) if chain else diff_id)
    return tuple(chain)
