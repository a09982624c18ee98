"""ListImages: all, or the one that is named."""

from orlop.model.image import ImageFilter, ImageRecord, ImageSpec
from orlop.services.image_list import list_images
from tests.fakes.deck import BUSYBOX, FakeNode

NGINX = ImageRecord(id="sha256:" + "e" * 64, manifest_digest="sha256:" + "f" * 64, tags=("docker.io/library/nginx:1",))


def spec(name: str) -> ImageSpec:
    return ImageSpec(image=name)


async def test_lists(node: FakeNode) -> None:
    node.images.here[NGINX.id] = NGINX
    everything = [BUSYBOX.id, NGINX.id]
    assert [image.id for image in await list_images(node.deck, None)] == everything
    assert [image.id for image in await list_images(node.deck, ImageFilter())] == everything
    [image] = await list_images(node.deck, ImageFilter(image=spec(NGINX.tags[0])))
    assert (image.id, image.repo_tags) == (NGINX.id, NGINX.tags)
    assert await list_images(node.deck, ImageFilter(image=spec("other"))) == []
