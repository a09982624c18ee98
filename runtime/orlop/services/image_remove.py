"""RemoveImage."""

import logging

from orlop.model.errors import InvalidArgument
from orlop.model.image import ImageSpec
from orlop.services.deck import Deck
from orlop.services.image_volumes import images_in_use

log = logging.getLogger(__name__)


async def remove_image(deck: Deck, spec: ImageSpec) -> None:
    """Remove an image by id with all its names, or one of its names. An image that is not here is fine (CRI).

    An image that a container was made from or has mounted stays, and the error says so.
    """
    if not spec.image:
        raise InvalidArgument("image.image is empty: RemoveImage needs a reference or an id")
    for removed in await deck.images.remove(spec.image, lambda: images_in_use(deck)):
        log.info("image %s removed", removed)
