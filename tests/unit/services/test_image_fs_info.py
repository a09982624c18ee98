"""ImageFsInfo: images, and all writable layers together."""

from orlop.services.image_fs_info import image_fs_info
from tests.fakes.deck import FakeNode, pod_config


async def test_the_image_filesystem(node: FakeNode) -> None:
    await node.create()
    await node.create(await node.run_pod(pod_config("other")))
    [images], [containers] = await image_fs_info(node.deck)
    assert (images.used_bytes, images.inodes_used) == (5000, 50)
    assert (containers.used_bytes, containers.inodes_used) == (1400, 14)
    assert images.fs_id == containers.fs_id
    assert images.fs_id.mountpoint == node.settings.root_dir
