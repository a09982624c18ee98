"""OCI artifacts (image-spec manifest.md): blobs that are no image's layers, kept as one layer of plain files.

A file has the name that its annotation org.opencontainers.image.title gives, as ORAS and the peers do it. Such a layer
is mounted, kept and collected like any other.
"""

import asyncio
import hashlib
import os
import posixpath
from collections.abc import Sequence
from contextlib import aclosing
from typing import BinaryIO

import msgspec

from orlop.aio.threads import offload
from orlop.engine.images.manifest import Descriptor, Manifest
from orlop.engine.images.source import Source
from orlop.engine.storage import digests
from orlop.model.errors import DataLoss, InvalidArgument, ResourceExhausted

TITLE = "org.opencontainers.image.title"
MAX_NAME = 1024
"""Bytes of a file's path inside the artifact."""


class ArtifactFile(msgspec.Struct, frozen=True):
    """A blob and its path inside the artifact."""

    path: str
    blob: Descriptor


def files_of(manifest: Manifest, what: str) -> tuple[ArtifactFile, ...]:
    """The files of an artifact. Raises InvalidArgument for a name that leads out of it, or that two blobs have."""
    files = tuple(ArtifactFile(_path(blob, what), blob) for blob in manifest.layers or ())
    taken = {file.path for file in files}
    if len(taken) != len(files):
        raise InvalidArgument(f"{what} has two blobs of one name ({TITLE})")
    for path in taken:
        if any(parent in taken for parent in _parents(path)):
            raise InvalidArgument(f"{what} has {path!r} ({TITLE}) below another file")
    return files


def _path(blob: Descriptor, what: str) -> str:
    title = (blob.annotations or {}).get(TITLE, "")
    if not title:
        return blob.digest.replace(":", "-")
    parts = title.split("/")
    too_long = len(os.fsencode(title)) > MAX_NAME or any(len(os.fsencode(part)) > 255 for part in parts)
    if too_long or not title.isprintable() or any(part in ("", ".", "..") for part in parts):
        raise InvalidArgument(f"{what} has a file name that cannot be used ({TITLE}): {title[:100]!r}")
    return title


def _parents(path: str) -> list[str]:
    found = []
    while path := posixpath.dirname(path):
        found.append(path)
    return found


def chain_id(manifest_digest: str) -> str:
    """The name of an artifact's layer; no image's layer can have it, for it is of another text."""
    return digests.of(f"artifact {manifest_digest}".encode())


async def write_all(
    files: Sequence[ArtifactFile], directory: str, source: Source, downloads: asyncio.Semaphore
) -> tuple[int, int]:
    """Fetch the files into an empty directory, several at once; returns bytes and inodes. Verifies size and digest."""
    made = {directory}
    for file in files:
        made.update(os.path.join(directory, parent) for parent in _parents(file.path))
        await offload(os.makedirs, os.path.dirname(os.path.join(directory, file.path)), 0o755, True)
    async with asyncio.TaskGroup() as group:
        for file in files:
            group.create_task(_write(file, directory, source, downloads), name=f"file {file.blob.digest}")
    return sum(file.blob.size for file in files), len(files) + len(made)


async def _write(file: ArtifactFile, directory: str, source: Source, downloads: asyncio.Semaphore) -> None:
    path = os.path.join(directory, file.path)
    hashed = hashlib.new(digests.algorithm(file.blob.digest))
    size = 0
    stream = source.stream(file.blob)
    async with downloads, aclosing(stream):
        try:
            out = await offload(open, path, "xb")
            try:
                async for chunk in stream:
                    size += len(chunk)
                    await offload(_append, out, hashed, chunk)
            finally:
                await offload(out.close)
        except OSError as error:
            raise ResourceExhausted(f"cannot write {file.path} of {source.name}: {error.strerror}") from error
    if size != file.blob.size or f"{digests.algorithm(file.blob.digest)}:{hashed.hexdigest()}" != file.blob.digest:
        raise DataLoss(f"file {file.path} of {source.name} does not have the size and digest {file.blob.digest}")


def _append(out: BinaryIO, hashed: "hashlib._Hash", chunk: bytes) -> None:
    hashed.update(chunk)
    out.write(chunk)
