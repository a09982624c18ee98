"""Mounts and devices from the node: reading, writing, propagation, and sources that are not there."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.cri import Cri, refused
from tests.harness.foreign import ours
from tests.harness.pods import CONTAINER, Pods
from tests.integration.lifecycle.conftest import each_handler

PRIVATE, HOST_TO_CONTAINER, BIDIRECTIONAL = range(3)
PRIVILEGED = {"security_context": {"privileged": True, "namespace_options": {"pid": CONTAINER}}}


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A shared mount with a directory for mounts to come."""
    subprocess.run(["mount", "-t", "tmpfs", "orlop-test", tmp_path], check=True)
    subprocess.run(["mount", "--make-shared", tmp_path], check=True)
    (tmp_path / "inner").mkdir()
    yield tmp_path
    subprocess.run(["umount", "--recursive", tmp_path], check=True)


@each_handler
def test_a_directory_is_shared_with_the_node(pods: Pods, tmp_path: Path) -> None:
    (tmp_path / "from-node").write_text("hello")
    container = pods.run().start(mounts=[{"host_path": str(tmp_path), "container_path": "/data"}])
    assert container.sh("cat /data/from-node") == "hello"
    container.sh("echo back > /data/from-container")
    assert (tmp_path / "from-container").read_text() == "back\n"


@each_handler
def test_a_read_only_mount_cannot_be_written(pods: Pods, tmp_path: Path) -> None:
    mount = {"host_path": str(tmp_path), "container_path": "/data", "readonly": True}
    container = pods.run().start(mounts=[mount])
    assert container.exec("touch", "/data/file").exit_code != 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_and_a_mount_inside_a_mount(pods: Pods, tmp_path: Path) -> None:
    (tmp_path / "word").write_text("inner")
    (tmp_path / "dir").mkdir()
    mounts = [
        {"host_path": str(tmp_path / "word"), "container_path": "/a/b/word"},
        {"host_path": str(tmp_path / "dir"), "container_path": "/a"},
    ]
    # The outer one comes second: it must not hide the inner one.
    assert pods.run().start(mounts=mounts).sh("cat /a/b/word") == "inner"


def test_status_lists_the_mounts(pods: Pods, tmp_path: Path) -> None:
    mount = {"host_path": str(tmp_path), "container_path": "/data", "readonly": True}
    (listed,) = pods.run().create(mounts=[mount]).status().mounts
    assert (listed.host_path, listed.container_path, listed.readonly) == (str(tmp_path), "/data", True)


def test_a_missing_source_is_made(pods: Pods, tmp_path: Path) -> None:
    """As peers do it: kube-proxy mounts /lib/modules, which a machine without kernel modules does not have."""
    missing = tmp_path / "some" / "where"
    container = pods.run().start(mounts=[{"host_path": str(missing), "container_path": "/data"}])
    container.sh("echo back > /data/file")
    assert (missing / "file").read_text() == "back\n"
    assert missing.stat().st_mode & 0o7777 == 0o755


@ours("peers make of it what they will")
def test_a_source_below_a_file_is_named(pods: Pods, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    below = str(tmp_path / "file" / "below")
    with refused("INVALID_ARGUMENT", below):
        pods.run().create(mounts=[{"host_path": below, "container_path": "/data"}])


@ours("a relative target is refused")
def test_a_relative_target_is_refused(pods: Pods, tmp_path: Path) -> None:
    with refused("INVALID_ARGUMENT", "container_path"):
        pods.run().create(mounts=[{"host_path": str(tmp_path), "container_path": ""}])


@each_handler
def test_a_target_behind_an_images_link_stays_in_the_container(pods: Pods, tmp_path: Path) -> None:
    (tmp_path / "mark").write_text("mine")
    # The image has a link /escape to /tmp: it means the container's /tmp.
    container = pods.run().start(mounts=[{"host_path": str(tmp_path), "container_path": "/escape/orlop-mark"}])
    assert container.sh("cat /tmp/orlop-mark/mark") == "mine"
    assert not os.path.exists("/tmp/orlop-mark")


def test_private_mounts_do_not_travel(pods: Pods, shared: Path) -> None:
    container = pods.run().start(mounts=[{"host_path": str(shared), "container_path": "/data"}])
    subprocess.run(["mount", "-t", "tmpfs", "later", shared / "inner"], check=True)
    (shared / "inner" / "mark").touch()
    assert container.exec("test", "-e", "/data/inner/mark").exit_code == 1


@each_handler
def test_mounts_of_the_node_arrive_in_the_container(pods: Pods, shared: Path) -> None:
    mount = {"host_path": str(shared), "container_path": "/data", "propagation": HOST_TO_CONTAINER}
    container = pods.run().start(mounts=[mount])
    subprocess.run(["mount", "-t", "tmpfs", "later", shared / "inner"], check=True)
    (shared / "inner" / "mark").touch()
    assert container.exec("test", "-e", "/data/inner/mark").exit_code == 0


@each_handler
def test_mounts_of_the_container_arrive_on_the_node(pods: Pods, shared: Path) -> None:
    mount = {"host_path": str(shared), "container_path": "/data", "propagation": BIDIRECTIONAL}
    container = pods.run(linux=PRIVILEGED).start(mounts=[mount], linux=PRIVILEGED)
    container.sh("mount -t tmpfs later /data/inner && touch /data/inner/mark")
    assert (shared / "inner" / "mark").exists()


def test_propagation_needs_a_shared_source(pods: Pods, shared: Path) -> None:
    subprocess.run(["mount", "--make-private", shared], check=True)
    mount = {"host_path": str(shared), "container_path": "/data", "propagation": BIDIRECTIONAL}
    with refused("FAILED_PRECONDITION", str(shared), "shared"):
        pods.run(linux=PRIVILEGED).create(mounts=[mount], linux=PRIVILEGED)


@each_handler
def test_a_device_with_its_permissions(pods: Pods) -> None:
    # A device that containers do not get anyway, and whose opening does nothing.
    node_device = next(path for path in ("/dev/loop-control", "/dev/net/tun", "/dev/fuse") if os.path.exists(path))
    device = {"host_path": node_device, "container_path": "/dev/mine", "permissions": "r"}
    container = pods.run().start(devices=[device])
    assert container.exec("sh", "-c", ": < /dev/mine").exit_code == 0
    assert container.exec("sh", "-c", ": > /dev/mine").exit_code != 0


def test_a_missing_device_is_named(pods: Pods) -> None:
    with refused("INVALID_ARGUMENT", "/dev/orlop-none"):
        pods.run().create(devices=[{"host_path": "/dev/orlop-none", "container_path": "/dev/x", "permissions": "rw"}])


@each_handler
def test_recursive_read_only(pods: Pods, shared: Path, cri: Cri) -> None:
    """KEP-3857: also what is mounted below cannot be written; what cannot be had is refused and never less."""
    features = {item.name: item.features for item in cri("Status").runtime_handlers}
    if not features[pods.handler].recursive_read_only_mounts:
        pytest.skip(f"handler {pods.handler} does not have it")
    (shared / "below").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", shared / "below"], check=True)
    mount = {"container_path": "/data", "host_path": str(shared), "readonly": True}
    pod = pods.run()
    assert pod.start(mounts=[mount]).exec("touch", "/data/below/x").exit_code == 0
    container = pod.start(mounts=[{**mount, "recursive_read_only": True}])
    assert container.exec("touch", "/data/x").exit_code != 0
    assert container.exec("touch", "/data/below/y").exit_code != 0
    assert container.status().mounts[0].recursive_read_only
    for wrong in ({"readonly": False}, {"propagation": 1}):
        with refused("INVALID_ARGUMENT", "/data", "recursive_read_only"):
            pod.create(mounts=[{**mount, "recursive_read_only": True, **wrong}])
