"""What the image and layer stores need of a database. orlop.engine.state.store_db has it; tests may bring their own."""

from collections.abc import Callable, Collection
from typing import Protocol

from orlop.model.image import ImageRecord
from orlop.model.layer import LayerRecord

Decide = Callable[[tuple[ImageRecord, ...]], tuple[Collection[ImageRecord], Collection[str]]]
"""From all images as they are to records to put and ids to delete. Runs in the transaction: short, and without I/O."""


class ImageTable(Protocol):
    """Image records by id. Reads come from memory."""

    @property
    def lost(self) -> bool:
        """Whether the database is new although it may have had a predecessor: records are then rebuilt from blobs."""
        ...

    async def settle(self) -> None:
        """They have been rebuilt."""
        ...

    def all(self) -> tuple[ImageRecord, ...]:
        """Every image."""
        ...

    def get(self, image_id: str) -> ImageRecord | None:
        """The image with exactly this id."""
        ...

    async def change(self, decide: Decide) -> frozenset[str]:
        """Write what `decide` makes of all images as they are now, all or nothing.

        Returns the layers that the images to put need and that are not recorded: then nothing is written.
        """


class LayerTable(Protocol):
    """Layer records by chain id. Reads come from memory."""

    def all(self) -> tuple[LayerRecord, ...]:
        """Every layer."""
        ...

    def get(self, chain_id: str) -> LayerRecord | None:
        """The layer with this chain id."""
        ...

    async def add(self, record: LayerRecord, place: Callable[[], None]) -> None:
        """Record a layer; `place` moves its files into place inside the transaction.

        A layer that is recorded already stays as it is, and `place` is not called.
        """

    async def remove_unused(self, keep: Collection[str], discard: Callable[[str], None]) -> tuple[LayerRecord, ...]:
        """Drop layers that no image and nothing in keep (with all that is below them) needs.

        `discard` moves a layer's files away inside the transaction, so no other process sees one without the other.
        """

    async def forget(self, chain_ids: Collection[str]) -> None:
        """Drop records whose files have gone."""
        ...
