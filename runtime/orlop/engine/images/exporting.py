"""Images into an archive: an OCI layout in a tar, which is a docker-save archive as well (manifest.json). Blocks.

Layers go in as the registry sent them where they have been kept (then all digests are as they were), and artifacts
always do. Packed layers hold the tar that the image's id is made of: it goes in, and the id stays. Layers that are here
only unpacked are made again: the same files, but other bytes, so the image has another id in the archive.
"""

import contextlib
import os
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO

import msgspec

from orlop.engine.images import artifacts, media_types
from orlop.engine.images.manifest import Descriptor, Manifest, parse_manifest
from orlop.engine.storage import digests
from orlop.engine.storage.blobs import BlobStore
from orlop.engine.storage.layers import LayerStore
from orlop.engine.storage.packed_tar import find_tar
from orlop.engine.storage.repack import repack
from orlop.model.errors import FailedPrecondition, InvalidArgument, ResourceExhausted
from orlop.model.image import ImageRecord

_REF_NAME = "org.opencontainers.image.ref.name"
_FULL_NAME = "io.containerd.image.name"


@dataclass(frozen=True, slots=True)
class Exported:
    """An image, and what it is in the archive."""

    record: ImageRecord
    id: str
    digest: str
    """Of its manifest there."""

    @property
    def exact(self) -> bool:
        """Whether it is the same image there, by all digests."""
        return self.digest == self.record.manifest_digest


@dataclass(slots=True)
class _Archive:
    """The tar that is written, and what its indexes will list."""

    tar: tarfile.TarFile
    scratch: str
    there: set[str] = field(default_factory=set)
    index: list[dict[str, Any]] = field(default_factory=list)
    saved: list[dict[str, Any]] = field(default_factory=list)

    def put(self, name: str, data: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), 0o644
        self.tar.addfile(info, BytesIO(data))

    def put_blob(self, data: bytes) -> dict[str, Any]:
        digest = digests.of(data)
        if digest not in self.there:
            self.there.add(digest)
            self.put(_blob(digest), data)
        return {"digest": digest, "size": len(data)}

    def put_file(self, digest: str, path: str) -> None:
        if digest in self.there:
            return
        with open(path, "rb") as file:
            self.put_rest(digest, file, os.fstat(file.fileno()).st_size)

    def put_rest(self, digest: str, file: BinaryIO, size: int) -> None:
        """So many bytes from where the file stands."""
        if digest not in self.there:
            self.there.add(digest)
            info = tarfile.TarInfo(_blob(digest))
            info.size, info.mode = size, 0o644
            self.tar.addfile(info, file)


def export(images: Sequence[ImageRecord], path: str, blobs: BlobStore, layers: LayerStore) -> list[Exported]:
    """Write the archive; it appears when it is complete. Raises ResourceExhausted, or what keeps an image from it."""
    directory = os.path.dirname(os.path.abspath(path))
    try:
        with _new_file(directory, path) as file, tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as tar:
            archive = _Archive(tar, layers.scratch)
            archive.put("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
            found = [_add(archive, image, blobs, layers) for image in images]
            index = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": archive.index}
            archive.put("index.json", msgspec.json.encode(index))
            if archive.saved:
                archive.put("manifest.json", msgspec.json.encode(archive.saved))
    except OSError as error:
        raise ResourceExhausted(f"cannot write {path}: {error.strerror or error}") from error
    return found


@contextlib.contextmanager
def _new_file(directory: str, path: str) -> Iterator[str]:
    """A file beside the target, which takes its place when all is in it."""
    handle, temporary = tempfile.mkstemp(dir=directory, prefix=".orlop-export-")
    os.close(handle)
    try:
        yield temporary
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _add(archive: _Archive, image: ImageRecord, blobs: BlobStore, layers: LayerStore) -> Exported:
    data = blobs.read_now(image.manifest_digest)
    manifest = parse_manifest(data, "", f"manifest of {image.id}")
    if not isinstance(manifest, Manifest):
        raise InvalidArgument(f"the manifest of {image.id} is none")
    for each in image.layers:
        if layers.get(each) is None:
            raise FailedPrecondition(f"image {image.id} lacks layer {each}: pull it again")
    if manifest.artifact:
        exported = _add_artifact(archive, image, data, manifest, layers)
    elif all(os.path.exists(blobs.path(layer.digest)) for layer in manifest.layers or ()):
        exported = _add_kept(archive, image, data, manifest, blobs)
    else:
        exported = _add_made(archive, image, manifest, blobs, layers)
    return exported


def _add_artifact(
    archive: _Archive, image: ImageRecord, data: bytes, manifest: Manifest, layers: LayerStore
) -> Exported:
    home = layers.path(image.layers[0])
    for file in artifacts.files_of(manifest, f"artifact {image.id}"):
        archive.put_file(file.blob.digest, os.path.join(home, file.path))
    if manifest.config.size == 2:  # the empty configuration is known; another one has not been kept
        archive.put_blob(b"{}")
    _list(archive, image, data, manifest.media_type or media_types.OCI_MANIFEST)
    return Exported(image, image.id, image.manifest_digest)


def _add_kept(archive: _Archive, image: ImageRecord, data: bytes, manifest: Manifest, blobs: BlobStore) -> Exported:
    for blob in (manifest.config, *(manifest.layers or ())):
        archive.put_file(blob.digest, blobs.path(blob.digest))
    _list(archive, image, data, manifest.media_type or media_types.OCI_MANIFEST)
    _save(archive, image, manifest.config.digest, manifest.layers or ())
    return Exported(image, image.id, image.manifest_digest)


def _add_made(
    archive: _Archive, image: ImageRecord, manifest: Manifest, blobs: BlobStore, layers: LayerStore
) -> Exported:
    made = [_as_sent(archive, layers, each) or _made(archive, layers.path(each)) for each in image.layers]
    data = blobs.read_now(image.id)
    config, diff_ids = msgspec.json.decode(data, type=dict[str, Any]), [layer.digest for layer in made]
    if config["rootfs"]["diff_ids"] != diff_ids:
        config["rootfs"] = {"type": "layers", "diff_ids": diff_ids}
        data = msgspec.json.encode(config)
    described = archive.put_blob(data) | {"mediaType": media_types.OCI_CONFIG}
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": described,
        "layers": [{"mediaType": media_types.OCI_LAYER, "digest": each.digest, "size": each.size} for each in made],
    }
    if manifest.annotations:
        document["annotations"] = manifest.annotations
    data = msgspec.json.encode(document)
    _list(archive, image, data, media_types.OCI_MANIFEST)
    _save(archive, image, described["digest"], made)
    return Exported(image, described["digest"], digests.of(data))


def _as_sent(archive: _Archive, layers: LayerStore, chain_id: str) -> Descriptor | None:
    """The tar of a packed layer; None where there is none."""
    image, record = layers.image(chain_id), layers.get(chain_id)
    if image is None or record is None:
        return None
    with open(image, "rb") as file:
        if size := find_tar(file, record.diff_id):
            archive.put_rest(record.diff_id, file, size)
            return Descriptor(digest=record.diff_id, size=size)
    return None


def _made(archive: _Archive, directory: str) -> Descriptor:
    with tempfile.NamedTemporaryFile(dir=archive.scratch) as file:
        digest, size = repack(directory, file)  # type: ignore[arg-type]  # a wrapper with all of a file's methods
        file.flush()
        archive.put_file(digest, file.name)
    return Descriptor(digest=digest, size=size)


def _list(archive: _Archive, image: ImageRecord, manifest: bytes, media_type: str) -> None:
    entry = archive.put_blob(manifest) | {"mediaType": media_type}
    for tag in image.tags or ("",):
        archive.index.append(entry | ({"annotations": {_REF_NAME: tag, _FULL_NAME: tag}} if tag else {}))


def _save(archive: _Archive, image: ImageRecord, config: str, layers: Sequence[Descriptor]) -> None:
    archive.saved.append(
        {"Config": _blob(config), "RepoTags": list(image.tags), "Layers": [_blob(layer.digest) for layer in layers]}
    )


def _blob(digest: str) -> str:
    return f"blobs/{digests.algorithm(digest)}/{digests.hexadecimal(digest)}"
