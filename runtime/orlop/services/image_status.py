"""ImageStatus."""

import msgspec

from orlop.model.errors import InvalidArgument, OrlopError
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
    return view(record), {"info": await _info(deck, record)} if verbose else {}


async def _info(deck: Deck, record: ImageRecord) -> str:
    """JSON whose imageSpec is the image's whole configuration, under its own names, as peers give it."""
    try:
        # Decoded and not handed on as it is: it comes from a registry, and must not break the answer's text.
        spec: object = msgspec.json.decode(await deck.images.config_json(record.id))
    except (OrlopError, msgspec.DecodeError, UnicodeDecodeError) as error:
        spec = f"unreadable: {error}"
    info = {
        "labels": record.config.labels,
        "manifestDigest": record.manifest_digest,
        "layers": record.layers,
        "platform": f"{record.os}/{record.architecture}",
        "created": record.created,
        "imageSpec": spec,
    }
    return msgspec.json.encode(info).decode()
