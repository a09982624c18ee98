"""What the image and layer stores need of a database. orlop.engine.state.store_db has it; tests may bring their own."""

from collections.abc import Callable, Collection
from typing import Protocol

from orlop.model.image import ImageRecord
from orlop.model.layer import LayerRecord


class MissingLayers(Exception):
    """An image cannot be recorded, for these layers have been collected meanwhile."""


class ImageTable(Protocol):
    """Image records by id. Reads come from memory."""

    def all(self) -> tuple[ImageRecord, ...]: ...

    def get(self, image_id: str) -> ImageRecord | None: ...

    async def change(self, put: Collection[ImageRecord], delete: Collection[str] = ()) -> frozenset[str]:
        """Write all or nothing. Returns the layers that put images need and that are not recorded: then nothing is."""


class LayerTable(Protocol):
    """Layer records by chain id. Reads come from memory."""

    def all(self) -> tuple[LayerRecord, ...]: ...

    def get(self, chain_id: str) -> LayerRecord | None: ...

    async def add(self, record: LayerRecord, place: Callable[[], None]) -> None:
        """Record a layer; `place` moves its files into place inside the transaction."""

    async def remove_unused(self, keep: Collection[str], discard: Callable[[str], None]) -> tuple[LayerRecord, ...]:
        """Drop layers that no image and nothing in keep (with all that is below them) needs.

        `discard` moves a layer's files away inside the transaction, so that no other process sees one without the other.
        """
