"""RemoveImage: an image in use stays."""

import asyncio

import pytest

from orlop.model.errors import FailedPrecondition
from orlop.model.image import ImageSpec
from orlop.services.container_remove import remove_container
from orlop.services.image_list import list_images
from orlop.services.image_remove import remove_image
from tests.fakes.deck import BUSYBOX, FakeNode


def spec(name: str) -> ImageSpec:
    return ImageSpec(image=name)


async def test_an_image_that_is_taken_into_use_meanwhile_stays(node: FakeNode) -> None:
    """A removal may wait for a pull that is being put on record."""
    gate = node.story.holds("images.remove")
    removal = asyncio.create_task(remove_image(node.deck, spec(BUSYBOX.id)))
    await gate.reached()
    await node.create()
    gate.opens()
    with pytest.raises(FailedPrecondition, match="is used by a container"):
        await removal


async def test_an_image_goes_when_no_container_is_made_of_it(node: FakeNode) -> None:
    container = await node.create()
    with pytest.raises(FailedPrecondition, match="is used by a container"):
        await remove_image(node.deck, spec(BUSYBOX.id))
    await remove_container(node.deck, container)
    await remove_image(node.deck, spec(BUSYBOX.id))
    await remove_image(node.deck, spec(BUSYBOX.id))
    assert await list_images(node.deck, None) == []
