"""PullImage: a reference in, an id out."""

import pytest

from orlop.model.errors import NotFound, RegistryUnavailable, Unavailable
from orlop.model.image import AuthConfig, ImageRecord, ImageSpec
from orlop.services.image_pull import pull_image
from tests.fakes.deck import FakeNode

NGINX = ImageRecord(id="sha256:" + "e" * 64, manifest_digest="sha256:" + "f" * 64, tags=("docker.io/library/nginx:1",))


def spec(name: str) -> ImageSpec:
    return ImageSpec(image=name)


async def test_a_pull_answers_the_id(node: FakeNode) -> None:
    node.images.registry["nginx:1"] = NGINX
    auth = AuthConfig(username="me")
    assert await pull_image(node.deck, spec("nginx:1"), auth) == NGINX.id
    assert node.images.credentials is auth
    with pytest.raises(NotFound):
        await pull_image(node.deck, spec("nothing"), None)


async def test_a_registry_that_does_not_answer_is_told_as_the_kubelet_wants_it(node: FakeNode) -> None:
    node.story.fails("images.pull", Unavailable("registry r.test cannot be reached"))
    with pytest.raises(RegistryUnavailable, match=r"registry r\.test cannot be reached"):
        await pull_image(node.deck, spec("nginx:1"), None)
