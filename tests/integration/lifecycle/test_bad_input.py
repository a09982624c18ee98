"""Bad input: each kind gets an error that names the thing, and leaves nothing behind (the leak check of every test)."""

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.images import HardLink, Image, ImageBuilder, Link, busybox_image
from tests.harness import leaks, privacy
from tests.harness.cri import Cri, refused
from tests.harness.node import Node
from tests.harness.pods import Pods, eventually
from tests.integration.lifecycle.conftest import each_handler
from tests.parts.registry import Registry


def test_an_unknown_handler_is_told_with_those_there_are(pods: Pods) -> None:
    pods.handler = "kata-nowhere"
    with refused("INVALID_ARGUMENT", "kata-nowhere", "crun", "runc"):
        pods.run()


# Networks


def _network_ready(node: Node) -> tuple[bool, str]:
    (condition,) = [item for item in node.cri("Status").status.conditions if item.type == "NetworkReady"]
    return condition.status, condition.message


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{ no json", "10-test.conflist"),
        ('{"cniVersion": "1.0.0", "name": "x"}', "plugins"),
        ('{"cniVersion": "1.0.0", "name": "../x", "plugins": [{"type": "bridge"}]}', "name"),
        ('{"cniVersion": "1.0.0", "name": "x", "plugins": [{"kind": "bridge"}]}', "type"),
        ('{"cniVersion": "1.0.0", "name": "x", "plugins": [{"type": "../../bin/sh"}]}', "type"),
    ],
)
def test_a_malformed_conflist_is_told_and_its_repair_taken(own_node: Node, content: str, word: str, image: str) -> None:
    own_node.stop()
    own_node.network.write(content)
    own_node.start()
    ready, message = _network_ready(own_node)
    assert not ready
    assert "10-test.conflist" in message
    pods = Pods(own_node.cri, image, own_node.logs)
    with refused("UNAVAILABLE", "10-test.conflist", word):
        pods.run()
    own_node.network.write(own_node.network.conflist())
    eventually(lambda: _network_ready(own_node)[0])
    pods.run()
    pods.remove_all()


def test_a_conflist_that_breaks_leaves_the_last_good_one_in_use(own_node: Node, own_pods: Pods) -> None:
    own_node.network.write("{ no json")
    eventually(lambda: "10-test.conflist" in own_node.log())
    assert _network_ready(own_node)[0]
    assert own_pods.run().ip


@each_handler
def test_a_missing_plugin_is_named_and_what_was_set_up_is_undone(own_node: Node, own_pods: Pods) -> None:
    plugins = [*own_node.network.conflist()["plugins"], {"type": "no-such-plugin"}]
    own_node.network.write(own_node.network.conflist(name="broken", plugins=plugins))
    eventually(lambda: own_node.network.leases() == set())
    with refused("UNAVAILABLE", "no-such-plugin"):
        own_pods.run()
        own_pods.run()
    assert own_node.network.leases() == set()
    assert own_node.cri("ListPodSandbox").items == []


def test_a_network_without_addresses_left_is_told(own_node: Node, own_pods: Pods) -> None:
    conflist = own_node.network.conflist(name="tiny")
    conflist["plugins"][0]["ipam"]["ranges"] = [[{"subnet": "10.99.0.0/30"}]]
    own_node.network.write(conflist)
    eventually(lambda: "tiny" in own_node.cri("Status", verbose=True).info["network"])
    own_pods.run()
    with pytest.raises(Exception, match="no IP addresses available"):
        own_pods.run()
    assert len(own_node.cri("ListPodSandbox").items) == 1


# Registries and images


@pytest.fixture
def push(registry: Registry) -> Callable[[Image], str]:
    """Pushes an image under a name of its own."""
    return lambda image: registry.push(image, f"bad-{image.digest[-12:]}:1")


def _stored(registry_data: Path, digest: str) -> Path:
    hex = digest.partition(":")[2]
    (found,) = registry_data.rglob(f"{hex}/data")
    return found


@pytest.fixture
def registry_data(registry: Registry) -> Path:
    """Where the registry keeps its blobs."""
    return registry._directory / "data"


def test_an_unreachable_registry_is_named(cri: Cri) -> None:
    with refused("UNKNOWN", "RegistryUnavailable: registry 127.0.0.1:9"):
        cri("PullImage", image={"image": "127.0.0.1:9/image:1"})


def test_a_missing_image_is_named(cri: Cri, registry: Registry) -> None:
    with refused("NOT_FOUND", "no-such-image:7"):
        cri("PullImage", image={"image": f"{registry.host}/no-such-image:7"})


@pytest.mark.parametrize("name", ["", "registry:5000/UPPER:1", "a b", "image@sha256:short", "-x/y"])
def test_a_malformed_reference_is_told(cri: Cri, name: str) -> None:
    with refused("INVALID_ARGUMENT", name):
        cri("PullImage", image={"image": name})


def test_a_blob_that_is_not_its_digest(cri: Cri, push: Callable[[Image], str], registry_data: Path) -> None:
    image = ImageBuilder().layer({"mark": b"right" * 1000}).build()
    name = push(image)
    stored = _stored(registry_data, image.layers[0].digest)
    good = stored.read_bytes()
    # Still valid gzip of the same length: only its digest is wrong.
    stored.write_bytes(good[:4] + b"\1\1\1\1" + good[8:])
    with refused("DATA_LOSS", image.layers[0].digest):
        cri("PullImage", image={"image": name})
    stored.write_bytes(good)
    cri("PullImage", image={"image": name})
    cri("RemoveImage", image={"image": name})


def test_a_truncated_layer(cri: Cri, push: Callable[[Image], str]) -> None:
    whole = ImageBuilder().layer({"mark": bytes(100_000)}).build().layers[0].blob
    image = ImageBuilder().raw_layer(b"", blob=whole[: len(whole) // 2]).build()
    with refused("INVALID_ARGUMENT", image.layers[0].digest):
        cri("PullImage", image={"image": push(image)})


def test_a_wrong_diff_id(cri: Cri, push: Callable[[Image], str]) -> None:
    image = ImageBuilder().raw_layer(b"\0" * 1024, diff_id="sha256:" + "1" * 64).build()
    with refused("DATA_LOSS", "1" * 12):
        cri("PullImage", image={"image": push(image)})


@pytest.mark.parametrize(
    "entries",
    [
        {"../escape": b"out"},
        {"a/../../escape": b"out"},
        {"link": HardLink("../../etc/passwd")},
        {"link": HardLink("/etc/orlop-nowhere")},
    ],
)
def test_a_layer_that_wants_out_is_refused(cri: Cri, push: Callable[[Image], str], entries: dict[str, object]) -> None:
    image = ImageBuilder().layer(entries).build()  # type: ignore[arg-type]  # entries of several kinds
    with refused("INVALID_ARGUMENT", image.layers[0].digest, next(iter(entries))):
        cri("PullImage", image={"image": push(image)})


def test_links_and_absolute_names_stay_inside(pods: Pods, cri: Cri, push: Callable[[Image], str]) -> None:
    target = Path("/tmp/orlop-escape-test")
    entries = {"out": Link("/tmp"), "out/orlop-escape-test": b"x", "/tmp/orlop-absolute-test": b"y"}
    name = push(busybox_image(extra=entries))
    cri("PullImage", image={"image": name})
    assert not target.exists()
    assert not Path("/tmp/orlop-absolute-test").exists()
    container = pods.run().start(image={"image": name})
    assert container.sh("cat /tmp/orlop-absolute-test") == "y"
    pods.remove_all()
    cri("RemoveImage", image={"image": name})


def test_an_image_for_another_platform_is_told_with_both(cri: Cri, push: Callable[[Image], str]) -> None:
    name = push(ImageBuilder(architecture="s390x").layer({"mark": b"x"}).build())
    with refused("NOT_FOUND", "linux/s390x", "linux/amd64"):
        cri("PullImage", image={"image": name})


# The machine


@pytest.fixture
def full_node(new_node: Callable[..., Node], image: str) -> Iterator[Node]:
    """A node whose image store is a small filesystem of its own."""
    node = new_node()
    privacy.mount("tmpfs", str(node.root_dir), "tmpfs", 0, "size=24m,nr_inodes=4000")
    with node:
        node.start()
        node.cri("PullImage", image={"image": image})
        yield node


def test_a_full_disk_stops_a_pull_and_nothing_else(full_node: Node, registry: Registry, image: str) -> None:
    made = ImageBuilder().layer({"big": bytes(40 << 20)}).build()
    name = registry.push(made, "full:1")
    pods = Pods(full_node.cri, image, full_node.logs)
    container = pods.run().start()
    with refused("RESOURCE_EXHAUSTED", made.layers[0].digest):
        full_node.cri("PullImage", image={"image": name})
    assert container.sh("echo alive") == "alive"
    assert not full_node.cri("ImageStatus", image={"image": name}).HasField("image")
    pods.run().start()
    pods.remove_all()


def test_a_full_disk_refuses_a_container_and_leaves_none(full_node: Node, image: str) -> None:
    pods = Pods(full_node.cri, image, full_node.logs)
    pod = pods.run()
    first = pod.start()
    monitor = first.info()["monitorPid"]
    first.remove()
    # It ends a moment after its container, and is no part of the picture.
    eventually(lambda: not os.path.exists(f"/proc/{monitor}"))
    before = leaks.take([full_node.root_dir])
    fill = full_node.root_dir / "fill"
    # Both kinds of fullness: no block and no inode is left.
    subprocess.run(["dd", "if=/dev/zero", f"of={fill}", "bs=64k"], check=False, capture_output=True)
    for number in itertools.count():
        try:
            (full_node.root_dir / f"fill{number}").mkdir()
        except OSError:
            break
    with refused("RESOURCE_EXHAUSTED", pod.config["metadata"]["name"]):
        pod.create()
    for path in full_node.root_dir.glob("fill*"):
        path.rmdir() if path.is_dir() else path.unlink()
    assert leaks.settle(before, lambda: leaks.take([full_node.root_dir])) == []
    assert full_node.cri("ListContainers").containers == []
    assert pod.start().sh("echo alive") == "alive"
    pods.remove_all()
