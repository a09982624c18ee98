"""ImageStatus, and what the image verbs do with an empty name."""

import json

import msgspec
import pytest

from orlop.model.errors import InvalidArgument
from orlop.model.image import ImageConfig, ImageRecord, ImageSpec
from orlop.services.image_pull import pull_image
from orlop.services.image_remove import remove_image
from orlop.services.image_status import image_status
from tests.fakes.deck import BUSYBOX, FakeNode

NGINX = ImageRecord(id="sha256:" + "e" * 64, manifest_digest="sha256:" + "f" * 64, tags=("docker.io/library/nginx:1",))


def spec(name: str) -> ImageSpec:
    return ImageSpec(image=name)


@pytest.mark.parametrize("verb", ["pull", "remove", "status"])
async def test_an_empty_name_is_refused(node: FakeNode, verb: str) -> None:
    verbs = {
        "pull": lambda: pull_image(node.deck, ImageSpec(), None),
        "remove": lambda: remove_image(node.deck, ImageSpec()),
        "status": lambda: image_status(node.deck, ImageSpec(), False),
    }
    with pytest.raises(InvalidArgument, match=r"image\.image is empty"):
        await verbs[verb]()


async def test_status(node: FakeNode) -> None:
    node.images.here[BUSYBOX.id] = msgspec.structs.replace(BUSYBOX, pinned=True)
    image, info = await image_status(node.deck, spec(BUSYBOX.tags[0]), False)
    assert image is not None
    assert (image.id, image.pinned, info) == (BUSYBOX.id, True, {})
    assert await image_status(node.deck, spec("other"), True) == (None, {})


async def test_more_of_an_image(node: FakeNode) -> None:
    config = ImageConfig(env=("A=1",), entrypoint=("/app",))
    node.images.here[NGINX.id] = msgspec.structs.replace(NGINX, os="linux", architecture="arm64", config=config)
    _, info = await image_status(node.deck, spec(NGINX.id), True)
    told = json.loads(info["info"])
    assert (told["platform"], told["manifestDigest"]) == ("linux/arm64", NGINX.manifest_digest)
    assert told["imageSpec"]["config"]["Entrypoint"] == ["/app"]
