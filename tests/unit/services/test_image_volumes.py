"""Image volumes: found before anything is made, mounted with the root, on record by id, and kept from removal."""

import json
from pathlib import Path

import pytest

from orlop.model.container import Mount
from orlop.model.errors import FailedPrecondition, ImageVolumeMountFailed, InvalidArgument, OrlopError
from orlop.model.image import ImageRecord, ImageSpec
from orlop.services.container_remove import remove_container
from orlop.services.container_status import container_status
from orlop.services.image_remove import remove_image
from tests.fakes.deck import FakeNode, container_config

DATA = ImageRecord(id="sha256:" + "a" * 64, manifest_digest="sha256:" + "c" * 64, tags=("docker.io/library/data:1",))


@pytest.fixture
def node(node: FakeNode) -> FakeNode:
    node.images.here[DATA.id] = DATA
    return node


def volume(**changes: object) -> Mount:
    fields = {"container_path": "/data", "readonly": True, "image": ImageSpec(image=DATA.tags[0])}
    return Mount(**{**fields, **changes})


def spec_mounts(node: FakeNode, container: str) -> list[dict[str, object]]:
    config = json.loads(Path(node.container(container).record.bundle, "config.json").read_text())
    return [mount for mount in config["mounts"] if mount["type"] == "bind"]


async def test_an_image_is_mounted_between_other_mounts(node: FakeNode, tmp_path: Path) -> None:
    other = Mount(container_path="/other", host_path=str(tmp_path))
    config = container_config(mounts=(volume(image_sub_path="etc"), other, volume(container_path="/whole")))
    container = await node.create(config=config)
    found = {mount["destination"]: mount for mount in spec_mounts(node, container)}
    assert found["/data"]["source"].endswith("/image0/etc") and found["/whole"]["source"].endswith("/image1")
    assert found["/data"]["options"] == ["rbind", "rprivate", "ro", "nosuid", "nodev"]
    assert found["/other"]["source"] == str(tmp_path)


async def test_the_status_tells_which_image_it_was_though_its_tag_has_moved(node: FakeNode) -> None:
    config = container_config(mounts=(volume(),))
    container = await node.create(config=config)
    node.images.here[DATA.id] = ImageRecord(id=DATA.id, manifest_digest=DATA.manifest_digest)
    (mount,) = container_status(node.deck, container, False)[0].mounts
    assert mount.image == ImageSpec(image=DATA.tags[0], image_ref=DATA.id)
    # The kubelet's retry sends the request without the id: it is the same container.
    assert await node.create(node.container(container).record.pod_id, config) == container


@pytest.mark.parametrize(
    ("mount", "kind", "words"),
    [
        (volume(readonly=False), InvalidArgument, "image volume at '/data': readonly must be true"),
        (volume(image=ImageSpec()), InvalidArgument, "image.image is empty"),
        (volume(host_path="/etc"), InvalidArgument, "host_path as well"),
        (volume(image=ImageSpec(image="no/such:1")), ImageVolumeMountFailed, "'no/such:1' is not on this node"),
        (volume(image_sub_path="none"), ImageVolumeMountFailed, "image_sub_path 'none' of sha256:aa.*: No such file"),
    ],
)
async def test_what_cannot_be_mounted_leaves_nothing(
    node: FakeNode, mount: Mount, kind: type[OrlopError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        await node.create(config=container_config(mounts=(mount,)))
    assert not len(node.deck.state.containers) and await node.roots.ids() == ()


async def test_a_mounted_image_stays(node: FakeNode) -> None:
    container = await node.create(config=container_config(mounts=(volume(),)))
    with pytest.raises(FailedPrecondition, match="is used by a container"):
        await remove_image(node.deck, ImageSpec(image=DATA.id))
    await remove_container(node.deck, container)
    await remove_image(node.deck, ImageSpec(image=DATA.id))
    assert DATA.id not in node.images.here
