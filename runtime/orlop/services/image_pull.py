"""PullImage."""

from orlop.model.errors import InvalidArgument
from orlop.model.image import AuthConfig, ImageSpec
from orlop.services.deck import Deck


async def pull_image(deck: Deck, spec: ImageSpec, auth: AuthConfig | None) -> str:
    """Pull the image, or confirm that the registry still means the one that is here. The answer is the image id.

    The id, not a digest: the kubelet compares it with what ImageStatus and ContainerStatus say.
    """
    if not spec.image:
        raise InvalidArgument("image.image is empty: PullImage needs a reference")
    record = await deck.images.pull(spec.image, auth)
    return record.id
