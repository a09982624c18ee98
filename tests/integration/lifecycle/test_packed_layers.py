"""A node whose layers stay one file each (images.layers = "erofs"): containers, user namespaces, kills, removal."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orlop.engine.storage.layer_mounts import why_not
from orlop.linux import mounts
from tests.fakes.images import Dir, File, ImageBuilder
from tests.harness.node import Node
from tests.harness.pods import POD, Pods, eventually
from tests.parts.registry import Registry

FIRST = 300000
MAPPINGS = [{"host_id": FIRST, "container_id": 0, "length": 65536}]
MAPPED = {
    "security_context": {
        "namespace_options": {"userns_options": {"mode": POD, "uids": MAPPINGS, "gids": MAPPINGS}},
    }
}


@pytest.fixture
def packed(new_node: Callable[..., Node], image: str, tmp_path: Path) -> Iterator[Node]:
    if reason := why_not(str(tmp_path)):
        pytest.skip(reason)
    with new_node(images={"layers": "erofs"}) as node:
        node.start()
        node.cri("PullImage", image={"image": image})
        yield node


@pytest.fixture
def pods(packed: Node, image: str) -> Iterator[Pods]:
    pods = Pods(packed.cri, image, packed.logs)
    yield pods
    pods.remove_all()


def _layers(node: Node) -> dict[str, list[str]]:
    return {layer.name: sorted(os.listdir(layer)) for layer in (node.root_dir / "layers").iterdir()}


def _mounted(node: Node) -> list[str]:
    below = f"{node.state_dir}/layers/"
    return sorted(each.mountpoint for each in mounts.mount_table() if each.mountpoint.startswith(below))


def test_containers_run_on_them_also_after_a_kill_and_a_reboot(packed: Node, pods: Pods, image: str) -> None:
    assert all(files == ["layer.erofs", "layer.json"] for files in _layers(packed).values())
    container = pods.run().start()
    assert (
        container.sh("echo new > /etc/group; rm /bin/ls; wc -c < /etc/group; test -e /bin/ls || echo gone") == "4\ngone"
    )
    assert pods.run().start().sh("ls -d /bin; grep -c root /etc/group") == "/bin\n1"
    assert len(_mounted(packed)) == len(_layers(packed)), "each is mounted once"
    packed.restart(hard=True)
    assert container.sh("cat /etc/group") == "new"
    pods.remove_all()
    mounts.unmount_below(f"{packed.state_dir}/layers")  # as a reboot does
    assert pods.run().start().sh("grep -c root /etc/group") == "1"
    pods.remove_all()
    usage = packed.cri("ImageFsInfo").image_filesystems[0]
    on_disk = sum(file.stat().st_blocks * 512 for file in (packed.root_dir / "layers").glob("*/layer.erofs"))
    assert usage.inodes_used.value == len(_layers(packed))
    assert abs(usage.used_bytes.value - on_disk) <= 8192
    packed.cri("RemoveImage", image={"image": image})
    assert (_layers(packed), _mounted(packed)) == ({}, [])


def test_a_pod_with_a_user_namespace(packed: Node, pods: Pods) -> None:
    features = {item.name: item.features for item in packed.cri("Status").runtime_handlers}
    if not features["runc"].user_namespaces:
        pytest.skip("runc, kernel or filesystem have no user namespaces for pods")
    container = pods.run(linux=MAPPED).start(linux=MAPPED)
    assert container.sh("cut -d' ' -f1 /proc/self/uid_map; stat -c %u:%g / /bin/busybox").split()[-2:] == ["0:0"] * 2
    root = container.info()["runtimeSpec"]["root"]["path"]
    assert os.stat(f"{root}/bin/busybox").st_uid == FIRST
    container.sh("touch /bin/written && chown 7 /bin/written")
    pods.remove_all()


def test_an_image_volume_and_unlisted_directories(packed: Node, pods: Pods, registry: Registry) -> None:
    """A directory that only the lower layer lists keeps its owner, mode and attributes in the upper one."""
    below = {"data/": Dir(mode=0o1770, uid=70000, gid=6, xattrs={"user.kept": b"yes"}), "data/gone": b""}
    above = {"data/new": File(b"x", uid=5), "data/.wh.gone": b""}
    name = registry.push(ImageBuilder().layer(below).layer(above).build(), "packed-volume:1")
    packed.cri("PullImage", image={"image": name})
    volume = {"container_path": "/v", "image": {"image": name, "user_specified_image": name}, "readonly": True}
    container = pods.run().start(mounts=[volume])
    assert container.sh("stat -c %a:%u:%g /v/data; ls /v/data; cat /v/data/new") == "1770:70000:6\nnew\nx"
    (merged,) = [each for each in mounts.mount_table() if each.mountpoint.endswith("/images/0")]
    assert os.getxattr(f"{merged.mountpoint}/data", "user.kept") == b"yes"
    pods.remove_all()
    packed.cri("RemoveImage", image={"image": name})


def test_a_kill_in_the_middle_of_a_pull_leaves_nothing(packed: Node, registry: Registry) -> None:
    before = _layers(packed)
    builder = ImageBuilder()
    for number in range(3):
        builder.layer({f"big{number}": os.urandom(40 << 20)})
    name = registry.push(builder.build(), "packed-kill:1")
    pull = threading.Thread(target=_pull, args=(packed, name))
    pull.start()
    scratch = packed.root_dir / "tmp"
    eventually(lambda: any(file.stat().st_size > 1 << 20 for file in scratch.glob("*/layer.erofs")), seconds=60)
    packed.kill()
    assert os.listdir(scratch) != []
    (scratch / "trial-killed" / "lower").mkdir(parents=True)
    mounts.tmpfs(str(scratch / "trial-killed" / "lower"))  # as a kill in the middle of the first pull's trial leaves it
    packed.start()
    pull.join(60)
    packed.cri("PullImage", image={"image": name})
    packed.cri("RemoveImage", image={"image": name})
    assert (_layers(packed), os.listdir(scratch)) == (before, [])


def _pull(node: Node, name: str) -> None:
    try:
        node.cri("PullImage", image={"image": name})
    except Exception:
        pass  # the daemon is killed meanwhile
