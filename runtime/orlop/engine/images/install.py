"""Bring a resolved image's layers here and record it: several layers at once, each streamed into its unpacking.

A layer is fetched and unpacked beside the others, but committed only after the one below it. What a failure leaves are
at most complete, recorded layers, which the next try uses and `collect` removes.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import aclosing, contextmanager

from orlop.aio.locks import KeyedLocks
from orlop.engine.images import catalog
from orlop.engine.images.manifest import Descriptor
from orlop.engine.images.resolve import Resolved
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

    def __init__(self, layers: LayerStore, blobs: BlobStore, images: ImageTable, *, max_downloads: int) -> None:
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
        self, resolved: Resolved, source: Source, *, tags: Sequence[str] = (), names: Sequence[str] = ()
    ) -> ImageRecord:
        """Fetch what is missing and record the image under tags and digest names."""
        chain = chain_ids(resolved.config.diff_ids)
        with self._leased(chain):
            for _ in range(_TRIES):
                await self._fetch_all(resolved.layers, chain, source)
                record = self._record(resolved, chain, tags, names)
                async with self.records:
                    await self._blobs.put(resolved.manifest_digest, resolved.manifest_json)
                    await self._blobs.put(resolved.id, resolved.config_json)
                    missing = await self._images.change(lambda images, new=record: _added(images, new))  # type: ignore[misc]  # binds the loop's value
                if not missing:
                    return self._images.get(record.id) or record
                log.warning(
                    "layers of %s were removed by another process while it was pulled; trying again", source.name
                )
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

    async def _fetch_all(self, blobs: Sequence[Blob], chain: Sequence[str], source: Source) -> None:
        """All layers at once; the first failure ends the others."""
        done: list[asyncio.Future[None]] = [asyncio.get_running_loop().create_future() for _ in blobs]
        try:
            async with asyncio.TaskGroup() as group:
                for at in range(len(blobs)):
                    group.create_task(self._fetch(blobs, chain, done, at, source), name=f"layer {blobs[at].digest}")
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
    ) -> None:
        below = done[at - 1] if at else None
        async with self._locks(chain[at]):
            if self._layers.get(chain[at]) is None:
                await self._unpack(blobs[at], chain[at], chain[at - 1] if at else "", below, source)
        done[at].set_result(None)

    async def _unpack(
        self, blob: Blob, chain_id: str, parent: str, below: "asyncio.Future[None] | None", source: Source
    ) -> None:
        async with self._layers.staging() as home:
            stream = source.stream(Descriptor(digest=blob.digest, size=blob.size))
            async with self._downloads, aclosing(stream):
                unpacked = await unpack(blob, stream, f"{home}/diff", base=below is None)
            if below is not None:
                await below
            record = LayerRecord(id=chain_id, diff_id=blob.diff_id, parent=parent, size=unpacked.size,
                                 inodes=unpacked.inodes)  # fmt: skip
            await self._layers.commit(home, record, unpacked.implicit)

    def _record(
        self, resolved: Resolved, chain: Sequence[str], tags: Sequence[str], names: Sequence[str]
    ) -> ImageRecord:
        layers = [self._layers.get(each) for each in chain]
        return ImageRecord(
            id=resolved.id,
            manifest_digest=resolved.manifest_digest,
            tags=tuple(tags),
            digests=tuple(names),
            layers=tuple(chain),
            size=sum(layer.size for layer in layers if layer is not None),
            config=resolved.config.for_containers(),
            annotations=resolved.manifest.annotations or {},
            architecture=resolved.config.architecture,
            os=resolved.config.os,
            created=resolved.config.created or "",
        )


def _added(images: Sequence[ImageRecord], new: ImageRecord) -> tuple[Collection[ImageRecord], Collection[str]]:
    change = catalog.add(images, new)
    return change.put, change.delete


def _leaves(error: BaseException | None) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    elif error is not None:
        yield error
