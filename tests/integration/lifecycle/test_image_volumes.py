"""Image volumes at the CRI (KEP-4639, KEP-5365): content, sub paths, read-only, and the image that is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.images import Dir, Entry, File, ImageBuilder, Link, artifact
from tests.harness.cri import Cri, refused
from tests.harness.pods import Pods
from tests.integration.lifecycle.conftest import each_handler
from tests.parts.registry import Registry

FILES: dict[str, Entry] = {
    "models/": Dir(),
    "models/weights": b"heavy",
    "run": File(b"#!/bin/sh\necho ran\n", mode=0o755),
    "out": Link("/etc/passwd"),
}


@pytest.fixture
def data(cri: Cri, registry: Registry) -> Iterator[str]:
    """An image of two layers that nothing else needs."""
    made = ImageBuilder().layer(FILES).layer({"second": b"layer", "etc/": Dir(), "etc/passwd": b"theirs"}).build()
    name = registry.push(made, "volume-data:1")
    yield str(cri("PullImage", image={"image": name}).image_ref)
    cri("RemoveImage", image={"image": name})


def volume(image: str, path: str = "/data", **fields: Any) -> dict[str, Any]:
    spec = {"image": image, "user_specified_image": image}
    return {"container_path": path, "image": spec, "readonly": True, **fields}


@each_handler
def test_an_image_is_read_and_run_but_not_written(data: str, pods: Pods) -> None:
    container = pods.run().start(mounts=[volume(data)])
    assert container.sh("cat /data/models/weights /data/second; /data/run") == "heavylayerran"
    assert container.exec("touch", "/data/new").exit_code != 0
    assert container.exec("sh", "-c", "mount -o remount,rw,bind /data /data && touch /data/new").exit_code != 0


@each_handler
def test_a_sub_path_is_found_inside_the_image(data: str, pods: Pods) -> None:
    mounts = [
        volume(data, image_sub_path="models"),
        volume(data, "/one", image_sub_path="models/weights"),
        # An absolute link means the image's own file, never the node's.
        volume(data, "/link", image_sub_path="out"),
    ]
    container = pods.run().start(mounts=mounts)
    assert container.sh("ls /data; cat /one; cat /link") == "weights\nheavytheirs"


def test_an_artifact_is_mounted_and_is_no_container_image(pods: Pods, cri: Cri, registry: Registry) -> None:
    name = registry.push(artifact({"model.bin": b"weights", "docs/readme": b"read me"}), "artifact:1")
    model = cri("PullImage", image={"image": name}).image_ref
    assert cri("ImageStatus", image={"image": name}).image.id == model
    pod = pods.run()
    container = pod.start(mounts=[volume(name), volume(model, "/docs", image_sub_path="docs")])
    assert container.sh("cat /data/model.bin /docs/readme") == "weightsread me"
    assert [mount.image.image_ref for mount in container.status().mounts] == [model, model]
    with refused("INVALID_ARGUMENT", "no container image but an artifact of type application/vnd.example.model"):
        pod.create(image={"image": model})
    container.remove()
    cri("RemoveImage", image={"image": model})


def test_what_must_not_be_mounted(data: str, pods: Pods) -> None:
    pod = pods.run()
    with refused("INVALID_ARGUMENT", "'/data'", "readonly must be true"):
        pod.create(mounts=[volume(data, readonly=False)])
    with refused("UNKNOWN", "ImageVolumeMountFailed: ", "image_sub_path 'none'"):
        pod.create(mounts=[volume(data, image_sub_path="none")])
    with refused("UNKNOWN", "ImageVolumeMountFailed: ", "'127.0.0.1:1/none:1' is not on this node"):
        pod.create(mounts=[volume("127.0.0.1:1/none:1")])


def test_the_image_is_told_and_stays_while_it_is_mounted(data: str, pods: Pods, cri: Cri) -> None:
    container = pods.run().start(mounts=[volume(data)])
    (mount,) = container.status().mounts
    assert (mount.image.image, mount.image.image_ref, mount.container_path) == (data, data, "/data")
    with refused("FAILED_PRECONDITION", "as its volume /data"):
        cri("RemoveImage", image={"image": data})
    container.remove()
    cri("RemoveImage", image={"image": data})
    assert not cri("ImageStatus", image={"image": data}).HasField("image")


def test_a_mounted_image_outlives_the_daemon(own_pods: Pods, own_node: Any, registry: Registry) -> None:
    image = own_node.cri("PullImage", image={"image": registry.push(ImageBuilder().layer(FILES).build(), "volume:2")})
    container = own_pods.run().start(mounts=[volume(image.image_ref)])
    own_node.restart(hard=True)
    assert container.sh("cat /data/models/weights") == "heavy"
    assert container.status().mounts[0].image.image_ref == image.image_ref
    with refused("FAILED_PRECONDITION", "in use"):
        own_node.cri("RemoveImage", image={"image": image.image_ref})
    container.remove()
    left = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    assert not [path for path in left if f"{own_node.base}/" in path and "/images/" in path]
