"""ListImages."""

from orlop.model.image import Image, ImageFilter
from orlop.services.deck import Deck
from orlop.services.image_views import view


async def list_images(deck: Deck, wanted: ImageFilter | None) -> list[Image]:
    """All images, or the one that the filter names."""
    if wanted is not None and wanted.image.image:
        found = await deck.images.find(wanted.image.image)
        return [view(found)] if found else []
    return [view(record) for record in await deck.images.list()]
