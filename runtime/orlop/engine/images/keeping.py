"""Layers kept as the registry sent them, beside what is unpacked of them, so that an export has the same digests.

While an image is installed they are files without a reference in the scratch directory; they become blobs together with
the image's record, and go with it.
"""

import contextlib
import os
import tempfile
from collections.abc import AsyncGenerator, Collection, Iterator, Sequence
from contextlib import aclosing

from orlop.aio.threads import offload
from orlop.engine.images.manifest import Manifest, parse_manifest
from orlop.engine.storage.blobs import BlobStore
from orlop.linux.files import write_all
from orlop.model.errors import OrlopError, ResourceExhausted
from orlop.model.image import ImageRecord


class Kept:
    """The layers of one installation. Leaving the context removes what was not adopted."""

    def __init__(self, scratch: str, *, enabled: bool) -> None:
        self._scratch = scratch
        self._enabled = enabled
        self._files: dict[str, str] = {}

    async def __aenter__(self) -> "Kept":
        return self

    async def __aexit__(self, *_: object) -> None:
        await offload(_remove, list(self._files.values()))

    def tee(self, digest: str, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The stream itself, or one that leaves a copy of its bytes here."""
        return self._copied(digest, stream) if self._enabled else stream

    async def _copied(self, digest: str, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        with _told(digest):
            fd, self._files[digest] = await offload(tempfile.mkstemp, dir=self._scratch, prefix="kept-")
        try:
            async with aclosing(stream) as chunks:
                async for chunk in chunks:
                    with _told(digest):
                        await offload(write_all, fd, chunk)
                    yield chunk
        finally:
            os.close(fd)

    async def adopt(self, blobs: BlobStore) -> None:
        """Make them blobs: their content was verified while it was unpacked."""
        for digest, path in self._files.items():
            await offload(blobs.adopt, digest, path)
        self._files.clear()


@contextlib.contextmanager
def _told(digest: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResourceExhausted(f"cannot keep layer {digest}: {error.strerror}") from error


def _remove(paths: Collection[str]) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def layer_blobs(images: Sequence[ImageRecord], blobs: BlobStore) -> frozenset[str]:
    """Digests of the layers of images, as their manifests have them. Blocks."""
    found: set[str] = set()
    for image in images:
        try:
            manifest = parse_manifest(blobs.read_now(image.manifest_digest), "", image.id)
        except OrlopError:
            continue
        if isinstance(manifest, Manifest):
            found.update(layer.digest for layer in manifest.layers or ())
    return frozenset(found)
