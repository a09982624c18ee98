"""Image archives: OCI image layouts and what `docker save` writes, each a `Source` like a registry.

An OCI layout is read where there is one; newer `docker save` archives are both. Exporting is not here.
"""

import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from orlop.aio.threads import offload
from orlop.engine.images import archive_files, media_types, reference
from orlop.engine.images.archive_files import Files
from orlop.engine.images.manifest import MAX_CONFIG, MAX_MANIFEST, Descriptor
from orlop.engine.images.source import Document
from orlop.engine.storage import digests
from orlop.engine.storage.inflate import CHUNK
from orlop.model.errors import InvalidArgument, NotFound

_REF_NAME = "org.opencontainers.image.ref.name"
_FULL_NAME = "io.containerd.image.name"

T = TypeVar("T")


class Archived(msgspec.Struct, frozen=True):
    """One image of an archive."""

    target: str
    """Digest of its manifest or index."""
    tags: tuple[str, ...] = ()


@asynccontextmanager
async def opened(path: str, scratch: str) -> "AsyncIterator[OciLayout | DockerArchive]":
    """Open an archive of either kind. Raises NotFound or InvalidArgument when it is none."""
    context = archive_files.open_files(path, scratch)
    files = await offload(context.__enter__)
    try:
        yield await offload(_recognise, files)
    finally:
        await offload(context.__exit__, None, None, None)


def _recognise(files: Files) -> "OciLayout | DockerArchive":
    for name, kind in (("index.json", OciLayout), ("manifest.json", DockerArchive)):
        try:
            data = archive_files.read(files, name, MAX_MANIFEST)
        except NotFound:
            continue
        return kind(files, data)
    raise InvalidArgument(f"{files.path} is no image archive: it has neither index.json (OCI layout) nor manifest.json "
                          "(docker save)")  # fmt: skip


def _decode(data: bytes, kind: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(f"{what} cannot be read: {error}") from error


class _Index(msgspec.Struct):
    manifests: list[Descriptor]


class OciLayout:
    """An OCI image layout (image-spec image-layout.md)."""

    def __init__(self, files: Files, index: bytes) -> None:
        self.name = files.path
        self._files = files
        self._index = _decode(index, _Index, f"index.json of {files.path}")

    async def images(self) -> list[Archived]:
        """What index.json lists; entries of one digest are one image with several names."""
        tags: dict[str, list[str]] = {}
        for entry in self._index.manifests:
            if not digests.is_digest(entry.digest):
                raise InvalidArgument(f"index.json of {self.name} names {entry.digest[:100]!r}, which is not a digest")
            tags.setdefault(entry.digest, []).extend(_names(entry.annotations or {}))
        return [Archived(digest, tuple(dict.fromkeys(names))) for digest, names in tags.items()]

    async def manifest(self, target: str) -> Document:
        """A manifest or index by digest."""
        return Document(await offload(archive_files.read, self._files, _blob_name(target), MAX_MANIFEST), "")

    async def blob(self, blob: Descriptor) -> bytes:
        """A small blob, whole."""
        return await offload(archive_files.read, self._files, _blob_name(blob.digest), blob.size)

    def stream(self, blob: Descriptor) -> AsyncGenerator[bytes, None]:
        """A blob of any size."""
        return archive_files.stream(self._files, _blob_name(blob.digest))


def _blob_name(digest: str) -> str:
    return f"blobs/{digests.algorithm(digest)}/{digests.hexadecimal(digest)}"


def _names(annotations: dict[str, str]) -> list[str]:
    """Tags that an index entry gives. A bare "latest" names nothing without a repository."""
    name = annotations.get(_FULL_NAME) or annotations.get(_REF_NAME, "")
    if "/" not in name and ":" not in name:
        return []
    parsed = reference.parse(name)
    return [str(parsed)] if parsed.tag else []


class _Saved(msgspec.Struct, rename="pascal"):
    config: str
    layers: list[str] | None = None
    repo_tags: list[str] | None = None


@dataclass(slots=True)
class _Built:
    """A manifest made for an image that came without one, and the file behind each digest."""

    manifest: bytes
    files: dict[str, str] = field(default_factory=dict)


class DockerArchive:
    """What `docker save` writes: tars and a manifest.json, without digests. A manifest is made from what is in it."""

    def __init__(self, files: Files, manifest: bytes) -> None:
        self.name = files.path
        self._archive = files
        self._saved = _decode(manifest, list[_Saved], f"manifest.json of {files.path}")
        self._built: dict[str, _Built] = {}

    async def images(self) -> list[Archived]:
        """All images, each with a manifest of our making."""
        found = []
        for saved in self._saved:
            built = await offload(self._build, saved)
            digest = digests.of(built.manifest)
            self._built[digest] = built
            found.append(Archived(digest, tuple(str(reference.parse(tag)) for tag in saved.repo_tags or ())))
        return found

    def _build(self, saved: _Saved) -> _Built:
        files: dict[str, str] = {}

        def describe(name: str, media_type: str) -> dict[str, object]:
            digest, size = _measure(self._archive, name)
            files[digest] = name
            return {"mediaType": media_type, "digest": digest, "size": size}

        manifest = {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "config": describe(saved.config, media_types.OCI_CONFIG),
            "layers": [describe(name, media_types.OCI_LAYER) for name in saved.layers or ()],
        }
        return _Built(msgspec.json.encode(manifest), files)

    async def manifest(self, target: str) -> Document:
        """The manifest that `images` has made."""
        return Document(self._built[target].manifest, media_types.OCI_MANIFEST)

    async def blob(self, blob: Descriptor) -> bytes:
        """The configuration."""
        return await offload(archive_files.read, self._archive, self._file(blob.digest), MAX_CONFIG)

    def stream(self, blob: Descriptor) -> AsyncGenerator[bytes, None]:
        """A layer."""
        return archive_files.stream(self._archive, self._file(blob.digest))

    def _file(self, digest: str) -> str:
        return next(built.files[digest] for built in self._built.values() if digest in built.files)


def _measure(files: Files, name: str) -> tuple[str, int]:
    fd, offset, size = files.open(name)
    try:
        hashed = hashlib.sha256()
        position, end = offset, offset + size
        while position < end and (chunk := os.pread(fd, min(CHUNK, end - position), position)):
            hashed.update(chunk)
            position += len(chunk)
    finally:
        os.close(fd)
    return f"sha256:{hashed.hexdigest()}", size
