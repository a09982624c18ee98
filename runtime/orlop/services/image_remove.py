"""RemoveImage."""

import logging

from orlop.model.errors import InvalidArgument
from orlop.model.image import ImageSpec
from orlop.services.deck import Deck

log = logging.getLogger(__name__)


async def remove_image(deck: Deck, spec: ImageSpec) -> None:
    """Remove an image by id with all its names, or one of its names. An image that is not here is fine (CRI).

    An image that a container was made from stays, and the error says so.
    """
    if not spec.image:
        raise InvalidArgument("image.image is empty: RemoveImage needs a reference or an id")
    in_use = {entry.record.image_id for entry in deck.state.containers}
    for removed in await deck.images.remove(spec.image, in_use):
        log.info("image %s removed", removed)
