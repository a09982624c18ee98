"""Bring a resolved image's layers here and record it: several layers at once, each streamed into its unpacking.

A layer is fetched and unpacked beside the others, but committed only after the one below it. What a failure leaves are
at most complete, recorded layers, which the next try uses and `collect` removes.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Coroutine, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any

import msgspec

from orlop.aio.locks import KeyedLocks
from orlop.engine.images import artifacts, catalog
from orlop.engine.images.artifacts import ArtifactFile
from orlop.engine.images.keeping import Kept
from orlop.engine.images.manifest import Descriptor
from orlop.engine.images.records import described
from orlop.engine.images.resolve import Resolved, ResolvedArtifact
from orlop.engine.images.source import Source
from orlop.engine.storage.blobs import BlobStore
from orlop.engine.storage.digests import chain_ids
from orlop.engine.storage.layers import LayerStore
from orlop.engine.storage.tables import ImageTable
from orlop.engine.storage.unpacking import Blob, unpack
from orlop.model.errors import OrlopError, Unavailable
from orlop.model.image import ImageRecord
from orlop.model.layer import LayerRecord

log = logging.getLogger(__name__)

_TRIES = 3
"""Another process may collect a layer between our finding it and our recording the image."""


class Installer:
    """Puts images into the store. One for all pulls: the number of downloads is limited over all of them."""

    def __init__(
        self,
        layers: LayerStore,
        blobs: BlobStore,
        images: ImageTable,
        *,
        max_downloads: int,
        keep_layers: bool = False,
    ) -> None:
        self._keep_layers = keep_layers
        self._layers = layers
        self._blobs = blobs
        self._images = images
        self._downloads = asyncio.Semaphore(max_downloads)
        self._locks: KeyedLocks[str] = KeyedLocks()
        self._leases: Counter[str] = Counter()
        self.records = asyncio.Lock()
        """Held while records and the blobs that belong to them change together."""

    def leased(self) -> frozenset[str]:
        """Layers that a running pull stands on."""
        return frozenset(self._leases)

    async def install(
        self,
        resolved: Resolved | ResolvedArtifact,
        source: Source,
        *,
        tags: Sequence[str] = (),
        names: Sequence[str] = (),
    ) -> ImageRecord:
        """Fetch what is missing and record the image under tags and digest names."""
        chain = _chain(resolved)
        with self._leased(chain):
            async with Kept(self._layers.scratch, enabled=self._keep_layers) as kept:
                return await self._install(resolved, source, chain, kept, tags, names)

    async def _install(
        self,
        resolved: Resolved | ResolvedArtifact,
        source: Source,
        chain: tuple[str, ...],
        kept: Kept,
        tags: Sequence[str],
        names: Sequence[str],
    ) -> ImageRecord:
        for _ in range(_TRIES):
            if isinstance(resolved, Resolved):
                await self._all_of(self._fetch_layers(resolved.layers, chain, source, kept))
            else:
                await self._all_of(self._fetch_files(resolved.files, chain[0], source))
            record = self._record(resolved, chain, tags, names)
            async with self.records:
                await self._blobs.put(resolved.manifest_digest, resolved.manifest_json)
                if isinstance(resolved, Resolved):
                    await self._blobs.put(resolved.id, resolved.config_json)
                await kept.adopt(self._blobs)
                missing = await self._images.change(lambda images, new=record: _added(images, new))  # type: ignore[misc]  # binds the loop's value
            if not missing:
                return self._images.get(record.id) or record
            log.warning("layers of %s were removed by another process while it was pulled; trying again", source.name)
        raise Unavailable(
            f"layers of {source.name} are removed as fast as they are pulled; is another orlop at work here?"
        )

    @contextmanager
    def _leased(self, chain: Collection[str]) -> Iterator[None]:
        self._leases.update(chain)
        try:
            yield
        finally:
            self._leases.subtract(chain)
            self._leases += Counter()  # drops what is at zero

    async def _fetch_layers(self, blobs: Sequence[Blob], chain: Sequence[str], source: Source, kept: Kept) -> None:
        done: list[asyncio.Future[None]] = [asyncio.get_running_loop().create_future() for _ in blobs]
        async with asyncio.TaskGroup() as group:
            for at in range(len(blobs)):
                group.create_task(self._fetch(blobs, chain, done, at, source, kept), name=f"layer {blobs[at].digest}")

    async def _fetch_files(self, files: Sequence[ArtifactFile], chain_id: str, source: Source) -> None:
        async with self._locks(chain_id):
            if self._layers.get(chain_id) is not None:
                return
            async with self._layers.staging() as home:
                size, inodes = await artifacts.write_all(files, f"{home}/diff", source, self._downloads)
                record = LayerRecord(id=chain_id, diff_id=chain_id, parent="", size=size, inodes=inodes)
                await self._layers.commit(home, record, ())

    @staticmethod
    async def _all_of(work: Coroutine[Any, Any, None]) -> None:
        """All blobs at once; the first failure has ended the others, and is the one that is told."""
        try:
            await work
        except BaseExceptionGroup as failures:
            known, others = failures.split(OrlopError)
            raise next(_leaves(known if known is not None else others), failures) from failures

    async def _fetch(
        self,
        blobs: Sequence[Blob],
        chain: Sequence[str],
        done: Sequence["asyncio.Future[None]"],
        at: int,
        source: Source,
        kept: Kept,
    ) -> None:
        below = done[at - 1] if at else None
        async with self._locks(chain[at]):
            if self._layers.get(chain[at]) is None:
                await self._unpack(blobs[at], chain[at], chain[at - 1] if at else "", below, source, kept)
        done[at].set_result(None)

    async def _unpack(
        self, blob: Blob, chain_id: str, parent: str, below: "asyncio.Future[None] | None", source: Source, kept: Kept
    ) -> None:
        async with self._layers.staging() as home:
            stream = kept.tee(blob.digest, source.stream(Descriptor(digest=blob.digest, size=blob.size)))
            async with self._downloads, aclosing(stream):
                packed = await self._layers.packs()
                into = home if packed else f"{home}/diff"
                unpacked = await unpack(blob, stream, into, base=below is None, packed=packed)
            if below is not None:
                await below
            record = LayerRecord(id=chain_id, diff_id=blob.diff_id, parent=parent, size=unpacked.size,
                                 inodes=unpacked.inodes)  # fmt: skip
            await self._layers.commit(home, record, unpacked.implicit)

    def _record(
        self,
        resolved: Resolved | ResolvedArtifact,
        chain: Sequence[str],
        tags: Sequence[str],
        names: Sequence[str],
    ) -> ImageRecord:
        layers = [self._layers.get(each) for each in chain]
        size = sum(layer.size for layer in layers if layer is not None)
        config = resolved.config if isinstance(resolved, Resolved) else None
        made = described(resolved.manifest_digest, resolved.manifest, config, chain, size)
        return msgspec.structs.replace(made, tags=tuple(tags), digests=tuple(names))


def _chain(resolved: Resolved | ResolvedArtifact) -> tuple[str, ...]:
    """The layers, base first; an artifact is one."""
    if isinstance(resolved, Resolved):
        return chain_ids(resolved.config.diff_ids)
    return (artifacts.chain_id(resolved.manifest_digest),)


def _added(images: Sequence[ImageRecord], new: ImageRecord) -> tuple[Collection[ImageRecord], Collection[str]]:
    change = catalog.add(images, new)
    return change.put, change.delete


def _leaves(error: BaseException | None) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    elif error is not None:
        yield error
