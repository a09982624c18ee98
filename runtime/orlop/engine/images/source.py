"""Where images come from, as the pull pipeline sees it: a registry's repository, or an archive on disk."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from orlop.engine.images.manifest import Descriptor


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest or index as it was sent. Its digest is not checked yet, unless it was asked for by one."""

    data: bytes
    media_type: str


class Source(Protocol):
    """Manifests and blobs by digest. Every message names what was asked and where."""

    name: str
    """For messages: "registry.k8s.io/pause"."""

    async def manifest(self, target: str) -> Document:
        """A manifest or index by tag or digest, at most MAX_MANIFEST bytes."""
        ...

    async def blob(self, blob: Descriptor) -> bytes:
        """A small blob, whole; its size has been checked against a limit."""
        ...

    def stream(self, blob: Descriptor) -> AsyncGenerator[bytes, None]:
        """A blob of any size."""
        ...
