"""PullImage."""

from orlop.model.errors import InvalidArgument, RegistryUnavailable, Unavailable
from orlop.model.image import AuthConfig, ImageSpec
from orlop.model.pod import PodSandboxConfig
from orlop.services.deck import Deck


async def pull_image(deck: Deck, spec: ImageSpec, auth: AuthConfig | None, pod: PodSandboxConfig | None = None) -> str:
    """Pull the image, or confirm that the registry still means the one that is here. The answer is the image id.

    The id, not a digest: the kubelet compares it with what ImageStatus and ContainerStatus say.
    """
    if not spec.image:
        raise InvalidArgument("image.image is empty: PullImage needs a reference")
    try:
        record = await deck.images.pull(spec.image, auth, namespace=pod.metadata.namespace if pod else "")
    except Unavailable as error:
        raise RegistryUnavailable(str(error)) from error
    return record.id
