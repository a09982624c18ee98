"""ImageStatus."""

import msgspec

from orlop.model.errors import InvalidArgument
from orlop.model.image import Image, ImageRecord, ImageSpec
from orlop.services.deck import Deck
from orlop.services.image_views import view


async def image_status(deck: Deck, spec: ImageSpec, verbose: bool) -> tuple[Image | None, dict[str, str]]:
    """The image, or None when it is not here: the CRI wants an empty answer then, not an error."""
    if not spec.image:
        raise InvalidArgument("image.image is empty: ImageStatus needs a reference or an id")
    record = await deck.images.find(spec.image)
    if record is None:
        return None, {}
    return view(record, deck.settings.pinned_images), {"info": _info(record)} if verbose else {}


def _info(record: ImageRecord) -> str:
    info = {
        "manifestDigest": record.manifest_digest,
        "layers": record.layers,
        "platform": f"{record.os}/{record.architecture}",
        "created": record.created,
        "imageSpec": {"config": record.config},
    }
    return msgspec.json.encode(info).decode()
