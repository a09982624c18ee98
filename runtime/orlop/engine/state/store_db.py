"""The lasting database: /var/lib/orlop/store.db: images, layers, and CNI DELs still owed.

Every commit reaches the disk, in a thread, so the event loop never waits for it. Reads come from memory; what another
process (`orlop image import`) wrote is noticed and read again. Pods and containers are in database.
"""

from collections.abc import Callable, Collection

from orlop.model.image import ImageRecord
from orlop.model.layer import LayerRecord
from orlop.model.owed import OwedDelete


class StoreDatabase:
    """store.db with its three tables."""

    images: "ImageTable"
    layers: "LayerTable"
    owed: "OwedTable"

    def __init__(self, path: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Close the file."""
        raise NotImplementedError


class ImageTable:
    """Image records."""

    def all(self) -> tuple[ImageRecord, ...]:
        """Every image."""
        raise NotImplementedError

    def get(self, image_id: str) -> ImageRecord | None:
        """The image with exactly this id."""
        raise NotImplementedError

    async def change(self, put: Collection[ImageRecord], delete: Collection[str] = ()) -> frozenset[str]:
        """Write all or nothing. Returns the layers that put images need and that are not recorded: then nothing is."""
        raise NotImplementedError


class LayerTable:
    """Layer records."""

    def all(self) -> tuple[LayerRecord, ...]:
        """Every layer."""
        raise NotImplementedError

    def get(self, chain_id: str) -> LayerRecord | None:
        """The layer with this chain id."""
        raise NotImplementedError

    async def add(self, record: LayerRecord, place: Callable[[], None]) -> None:
        """Record a layer; `place` moves its files into place inside the transaction."""
        raise NotImplementedError

    async def remove_unused(self, keep: Collection[str], discard: Callable[[str], None]) -> tuple[LayerRecord, ...]:
        """Drop layers that no image and nothing in keep needs; `discard` moves the files away in the transaction."""
        raise NotImplementedError


class OwedTable:
    """CNI DELs that have not worked yet, by pod id."""

    def all(self) -> tuple[OwedDelete, ...]:
        """Oldest first."""
        raise NotImplementedError

    async def put(self, owed: OwedDelete) -> None:
        """Record it, or replace the record of the same pod."""
        raise NotImplementedError

    async def remove(self, pod_id: str) -> None:
        """It is done; nothing happens when it is not here."""
        raise NotImplementedError
