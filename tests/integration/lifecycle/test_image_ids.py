"""What the image verbs say of an image, and that every API calls it by the same id (CRI of Kubernetes 1.36)."""

import json

from tests.fakes.images import busybox_image
from tests.harness.cri import Cri
from tests.harness.foreign import ours
from tests.harness.node import Node
from tests.harness.pods import Pods
from tests.parts.registry import Registry


def test_every_api_gives_the_same_image_id(pods: Pods, cri: Cri, pulled: str) -> None:
    image_id = cri("PullImage", image={"image": pulled}).image_ref
    container = pods.run().start(image={"image": image_id, "user_specified_image": pulled})
    assert cri("ImageStatus", image={"image": pulled}).image.id == image_id
    assert cri("ImageStatus", image={"image": image_id}).image.id == image_id
    assert image_id in {image.id for image in cri("ListImages").images}
    assert container.status().image_id == image_id
    [listed] = cri("ListContainers", filter={"id": container.id}).containers
    assert listed.image_id == image_id


def test_the_same_image_under_two_names_has_one_id(own_node: Node, registry: Registry, image: str) -> None:
    other = registry.push(busybox_image(user="12:34"), "one:1")
    same = registry.push(busybox_image(user="12:34"), "two:2")
    ids = {own_node.cri("PullImage", image={"image": name}).image_ref for name in (other, same)}
    assert len(ids) == 1
    [shown] = [item for item in own_node.cri("ListImages").images if item.id in ids]
    assert {other, same} <= set(shown.repo_tags)
    assert shown.uid.value == 12


@ours("what the verbose status of an image holds")
def test_the_verbose_status_holds_the_images_configuration(cri: Cri, pulled: str) -> None:
    answer = cri("ImageStatus", image={"image": pulled}, verbose=True)
    info = json.loads(answer.info["info"])
    assert info["imageSpec"]["rootfs"]["type"] == "layers"
    assert len(info["imageSpec"]["rootfs"]["diff_ids"]) == len(info["layers"])
    assert any(entry.startswith("PATH=") for entry in info["imageSpec"]["config"]["Env"])
    assert info["platform"] == f"{info['imageSpec']['os']}/{info['imageSpec']['architecture']}"
    assert not cri("ImageStatus", image={"image": pulled}).info
