"""`Images`: the image store as the services see it: pull, find, list, remove, import.

The work itself is in resolve and install (pulls), archives (files), catalog (names) and orlop.engine.storage (layers).
"""

import logging
import os
import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from orlop.aio.joining import Joining
from orlop.aio.threads import offload
from orlop.engine.images import archives, catalog, keeping, reference, salvage
from orlop.engine.images.install import Installer
from orlop.engine.images.remote import Remote
from orlop.engine.images.resolve import resolve
from orlop.engine.storage.blobs import BlobStore
from orlop.engine.storage.layers import LayerStore
from orlop.engine.storage.tables import ImageTable
from orlop.model.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    OrlopError,
    TimedOut,
    Unauthenticated,
    Unavailable,
)
from orlop.model.image import AuthConfig, ImageRecord

if TYPE_CHECKING:
    from orlop.engine.images.exporting import Exported
    from orlop.engine.images.pulling import Puller, Wanted

log = logging.getLogger(__name__)

# After these the kubelet asks again soon, and complete layers save it a download.
_WORTH_KEEPING_LAYERS = (Unavailable, TimedOut, Unauthenticated)


class Images:
    """All images of this node. Reads are answered from memory."""

    def __init__(
        self,
        *,
        table: ImageTable,
        blobs: BlobStore,
        layers: LayerStore,
        installer: Installer,
        remote: Remote,
        puller: "Callable[[], Awaitable[Puller]]",
        layers_in_use: Callable[[], Awaitable[Collection[str]]],
        pinned: Sequence[str] = (),
    ) -> None:
        self._table = table
        self._blobs = blobs
        self._layers = layers
        self._installer = installer
        self._remote = remote
        self._puller = puller
        self._layers_in_use = layers_in_use
        self._pinned = tuple(pinned)
        self._pulls: Joining[Hashable, ImageRecord] = Joining("pull")

    async def pull(self, ref: str, auth: AuthConfig | None = None, *, namespace: str = "") -> ImageRecord:
        """Bring an image here. Asking twice at once, with the same credentials, is one download.

        `namespace` is that of the pod that needs it: some namespaces have credentials of their own.
        """
        puller = await self._puller()
        wanted = puller.wanted(ref, auth, namespace)
        return await self._pulls.do(wanted.key, lambda: self._pull(puller, wanted))

    async def _pull(self, puller: "Puller", wanted: "Wanted") -> ImageRecord:
        begun = time.monotonic()
        try:
            record = await puller.pull(wanted)
        except _WORTH_KEEPING_LAYERS:
            raise
        except Exception:  # whatever failed, nothing is left
            await self._collect_after_failure()
            raise
        log.info("pulled %s as %s in %.1f s", wanted.asked, record.id, time.monotonic() - begun)
        return self._shown(record)

    async def list(self) -> tuple[ImageRecord, ...]:
        """Every image, by id."""
        return tuple(self._shown(image) for image in self._table.all())

    async def find(self, ref_or_id: str) -> ImageRecord | None:
        """By id ("sha256:<hex>", or at least 12 digits of it), name with a tag, or name with a digest."""
        images = self._table.all()
        image = catalog.find(images, self._meant(images, ref_or_id))
        return None if image is None else self._shown(image)

    def _meant(self, images: Sequence[ImageRecord], text: str) -> str:
        """A short name in full, as registries.conf has it, where an image here has that name; else the text itself."""
        if not reference.is_short(text):
            return text
        try:
            names = self._remote.registries.rules().names(text)
        except OrlopError:
            return text
        return next((str(name) for name in names if catalog.find_name(images, name)), text)

    def _shown(self, image: ImageRecord) -> ImageRecord:
        pinned = catalog.is_pinned(image, self._pinned)
        return msgspec.structs.replace(image, pinned=True) if pinned else image

    async def remove(self, ref_or_id: str, in_use: Callable[[], Collection[str]] = tuple) -> Sequence[str]:
        """By id: all its names go, and it. By name: the name goes, and with the last one the image.

        Returns ids of images that are gone now. What is not here is no error: the CRI says that the call is idempotent.
        Raises FailedPrecondition when the image would go and its id is among those in use; a mapping tells what uses
        each. in_use is asked in the moment of the removal, in another thread: it may have waited for a pull.
        """
        gone: list[ImageRecord] = []

        def decide(images: Sequence[ImageRecord]) -> tuple[Collection[ImageRecord], Collection[str]]:
            image, change = catalog.remove(images, self._meant(images, ref_or_id))
            if image is not None and change.delete:
                _check_unused(image, ref_or_id, in_use())
                gone.append(image)
            return change.put, change.delete

        async with self._installer.records:
            await self._table.change(decide)
            await self._blobs.remove(await offload(self._blobs_of, gone))
        if gone:
            await self._collect()
        return [image.id for image in gone]

    def _blobs_of(self, gone: Sequence[ImageRecord]) -> frozenset[str]:
        """Blobs that nothing needs once these images have gone."""
        own = frozenset(digest for image in gone for digest in (image.manifest_digest, image.id))
        layers = keeping.layer_blobs(gone, self._blobs)
        kept = frozenset(digest for digest in layers if os.path.exists(self._blobs.path(digest)))
        return own | (kept - keeping.layer_blobs(self._table.all(), self._blobs) if kept else kept)

    async def export(self, names: Sequence[str], path: str) -> "Sequence[Exported]":
        """Write images to a tar that is an OCI layout and a docker-save archive. Raises NotFound."""
        from orlop.engine.images import exporting

        images: dict[str, ImageRecord] = {}
        for name in names:
            image = await self.find(name)
            if image is None:
                raise NotFound(f"no image is called {name!r}")
            images[image.id] = image
        return await offload(exporting.export, list(images.values()), path, self._blobs, self._layers)

    async def import_archive(self, path: str, tags: Sequence[str] = ()) -> Sequence[ImageRecord]:
        """Bring images here from an OCI layout (directory, or tar plain or compressed) or a docker-save archive.

        `tags` name the image in place of what the archive calls it; then the archive must hold one image only.
        """
        given = [str(reference.parse(tag)) for tag in tags]
        records = []
        try:
            async with archives.opened(path, self._layers.scratch) as archive:
                images = await archive.images()
                if given and len(images) != 1:
                    raise InvalidArgument(f"{path} holds {len(images)} images; they cannot all be called {given[0]}")
                for image in images:
                    resolved = await resolve(archive, image.target)
                    names = given or image.tags
                    records.append(await self._installer.install(resolved, archive, tags=names))
        except Exception:  # whatever failed, no half of an image is left
            await self._collect_after_failure()
            raise
        return [self._shown(record) for record in records]

    async def usage(self) -> tuple[int, int]:
        """Bytes and inodes of all layers, from the records."""
        return self._layers.usage()

    async def config_json(self, image_id: str) -> bytes:
        """The image configuration as the registry has it (verbose ImageStatus)."""
        return await self._blobs.read(image_id)

    async def used_by_containers(self) -> Mapping[str, str]:
        """Images whose layers are under a container's root, for callers who do not know the containers."""
        used = await self._layers_in_use()
        return {image.id: "a container" for image in self._table.all() if image.layers and image.layers[-1] in used}

    async def collect(self) -> None:
        """At start: remove half-made layers and what nothing refers to; rebuild records that were lost."""
        await self._layers.repair()
        if self._table.lost:
            await salvage.rebuild(self._blobs, self._layers, self._table)
            await self._table.settle()
        else:
            images = self._table.all()
            known = {digest for image in images for digest in (image.id, image.manifest_digest)}
            if await offload(lambda: not known.issuperset(self._blobs.digests())):
                known |= await offload(keeping.layer_blobs, images, self._blobs)
            await self._blobs.sweep(lambda digest: digest in known)
        await self._collect()

    async def _collect(self) -> None:
        removed = await self._layers.collect(self._installer.leased() | frozenset(await self._layers_in_use()))
        if removed:
            log.info("removed %d layers, %d bytes", len(removed), sum(layer.size for layer in removed))

    async def _collect_after_failure(self) -> None:
        """The failure itself is what the caller must hear of; on a full disk this may fail too."""
        try:
            await self._collect()
        except OrlopError as error:
            log.warning("layers that nothing needs stay until the next start or removal: %s", error)

    async def aclose(self) -> None:
        """End running pulls and close connections."""
        await self._pulls.aclose()
        await self._remote.aclose()


def _check_unused(image: ImageRecord, asked: str, in_use: Collection[str]) -> None:
    if image.id in in_use:
        who = in_use[image.id] if isinstance(in_use, Mapping) else "a container"
        raise FailedPrecondition(f"image {asked} ({image.id}) is in use by {who}; remove that first")
