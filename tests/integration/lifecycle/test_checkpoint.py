"""Checkpoints of containers and pods by real CRIU and runc, and their restoring into new pods."""

import json
import tarfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.fakes.images import ImageBuilder
from tests.harness.node import Node
from tests.harness.pods import CREATED, RUNNING, Container, Pods, eventually
from tests.parts.criu import criu
from tests.parts.registry import Registry

COUNT = (
    "echo begun; i=0; mark=$(cat /proc/sys/kernel/random/uuid); trap 'echo bye; exit 5' TERM; "
    "while true; do i=$((i+1)); echo $i $mark >/count; "
    "[ -e /say ] && { echo at $(cat /say); rm /say; }; sleep 0.05; done"
)
"""Keeps a number and a mark in its memory, and tells them in a file. One that begins anew has another mark."""


@contextmanager
def _started(new_node: Callable[..., Node], image: str) -> Iterator[Node]:
    with new_node() as node:
        registries = tomllib.loads(node.config_file.read_text())["registries"]
        section = {"criu": str(criu(node.base / "bin")), "restore": True}
        node.configure({"registries": registries, "checkpoint": section})
        node.start()
        node.cri("PullImage", image={"image": image})
        warm = Pods(node.cri, image, node.logs)
        warm.run()
        warm.remove_all()
        yield node


@pytest.fixture(scope="module")
def node(new_node: Callable[..., Node], image: str) -> Iterator[Node]:
    """A node with CRIU."""
    with _started(new_node, image) as node:
        yield node


@pytest.fixture
def pods(node: Node, image: str) -> Iterator[Pods]:
    """Pods on it."""
    pods = Pods(node.cri, image, node.logs)
    yield pods
    pods.remove_all()
    assert not list((node.root_dir / "checkpoints").iterdir())


def _counting(pods: Pods, **config: Any) -> Container:
    container = pods.run().start("sh", "-c", COUNT, **config)
    _count(container)
    return container


def _count(container: Container) -> tuple[int, str]:
    # The file is empty for a moment each time it is written anew.
    read = "until set -- $(cat /count 2>/dev/null); [ $# = 2 ]; do sleep 0.05; done; echo $*"
    count, mark = container.sh(read).split()
    return int(count), mark


def _goes_on(container: Container, before: tuple[int, str]) -> bool:
    """Whether it is the same process's memory, further on."""
    count, mark = _count(container)
    return count > before[0] and mark == before[1]


def _restored(pods: Pods, archive: Path, **config: Any) -> Container:
    return pods.run().create(image={"image": str(archive)}, command=[], **config)


def test_a_container_goes_on_elsewhere_with_its_memory_and_its_files(pods: Pods, node: Node, tmp_path: Path) -> None:
    container = _counting(pods)
    container.sh("echo kept >/etc/kept; rm /bin/wget; mkdir /tmp/d; ln -s /etc/kept /tmp/d/link; sleep 0.3")
    archive = tmp_path / "checkpoint.tar"
    before = _count(container)
    node.cri("CheckpointContainer", container_id=container.id, location=str(archive))
    eventually(lambda: _goes_on(container, before), seconds=30)
    assert container.status().state == RUNNING
    assert archive.stat().st_mode & 0o777 == 0o600
    with tarfile.open(archive) as tar:
        names = set(tar.getnames())
        assert {"config.dump", "spec.dump", "rootfs-diff.tar", "deleted.files", "checkpoint/inventory.img"} <= names
        dump = json.load(tar.extractfile("config.dump"))  # type: ignore[arg-type]
        deleted = json.load(tar.extractfile("deleted.files"))  # type: ignore[arg-type]
    assert (dump["id"], dump["name"], dump["runtime"]) == (container.id, container.config["metadata"]["name"], "runc")
    assert deleted == ["/bin/wget"]
    container.stop(grace=0)

    again = _restored(pods, archive)
    assert again.status().state == CREATED
    with pytest.raises(grpc.RpcError, match="is not running"):
        again.exec("true")
    again.start()
    assert again.status().state == RUNNING
    # It goes on where it was, and does not begin anew.
    eventually(lambda: _goes_on(again, before), seconds=30)
    assert again.sh("cat /tmp/d/link; ls /bin/wget 2>/dev/null || echo gone") == "kept\ngone"
    again.sh("echo here >/say")
    eventually(lambda: "at here" in again.output(), seconds=30)
    assert "begun" not in again.output()
    assert node.cri("ContainerStats", container_id=again.id).stats.memory.working_set_bytes.value > 0
    assert again.status().image_id == container.status().image_id
    beside = pods.made[-1].start()
    for kind in ("net", "ipc", "uts"):
        assert again.sh(f"readlink /proc/1/ns/{kind}") == beside.sh(f"readlink /proc/1/ns/{kind}")
    assert again.sh("hostname") == again.sh("cat /etc/hostname")
    again.stop(grace=30)
    assert again.status().exit_code == 5


def test_a_restored_container_survives_the_daemon_and_can_be_checkpointed_again(
    new_node: Callable[..., Node], image: str, tmp_path: Path
) -> None:
    with _started(new_node, image) as node:
        pods = Pods(node.cri, image, node.logs)
        _survives(pods, node, tmp_path)
        pods.remove_all()


def _survives(pods: Pods, node: Node, tmp_path: Path) -> None:
    container = _counting(pods)
    first, second = tmp_path / "1.tar", tmp_path / "2.tar"
    before = _count(container)
    node.cri("CheckpointContainer", container_id=container.id, location=str(first), timeout=120)
    waiting = _restored(pods, first)
    again = _restored(pods, first)
    again.start()
    node.restart(hard=True)
    assert waiting.status().state == CREATED
    waiting.start()
    eventually(lambda: _goes_on(waiting, before), seconds=30)
    node.cri("CheckpointContainer", container_id=again.id, location=str(second))
    third = _restored(pods, second).start()
    eventually(lambda: _goes_on(third, before), seconds=30)


def test_a_container_that_waits_for_its_restoring_can_be_stopped_and_removed(
    pods: Pods, node: Node, tmp_path: Path
) -> None:
    container = _counting(pods)
    archive = tmp_path / "c.tar"
    node.cri("CheckpointContainer", container_id=container.id, location=str(archive))
    waiting = _restored(pods, archive)
    waiting.stop()
    status = waiting.status()
    assert (status.exit_code, status.reason) == (137, "Error")
    with pytest.raises(grpc.RpcError, match="it has ended already"):
        waiting.start()
    waiting.remove()


def test_what_cannot_be_checkpointed_or_restored_is_told(pods: Pods, node: Node, tmp_path: Path) -> None:
    pod = pods.run()
    terminal = pod.start(tty=True)
    created = pod.create()
    for container, words in ((terminal, "has a terminal"), (created, "is not running")):
        with pytest.raises(grpc.RpcError, match=words):
            node.cri("CheckpointContainer", container_id=container.id, location=str(tmp_path / "x.tar"))
    with pytest.raises(grpc.RpcError, match="is not the absolute path of an archive"):
        node.cri("CheckpointContainer", container_id=terminal.id, location="x.tar")
    (tmp_path / "bad.tar").write_bytes(b"no tar" * 1000)
    for path, words in ((tmp_path / "bad.tar", "is no checkpoint"), (tmp_path / "none.tar", "there is no checkpoint")):
        with pytest.raises(grpc.RpcError, match=words):
            pod.create(image={"image": str(path)})
    assert not list(tmp_path.glob("x.tar*"))
    volume = tmp_path / "volume"
    volume.mkdir()
    mounted = _counting(pods, mounts=[{"container_path": "/v", "host_path": str(volume)}])
    archive = tmp_path / "m.tar"
    node.cri("CheckpointContainer", container_id=mounted.id, location=str(archive))
    with pytest.raises(grpc.RpcError, match="mounts that the request lacks: /v"):
        _restored(pods, archive)
    again = _restored(pods, archive, mounts=[{"container_path": "/v", "host_path": str(volume)}]).start()
    again.sh("echo x >/v/y")
    assert (volume / "y").read_text() == "x\n"


def test_a_pod_goes_on_elsewhere_with_all_its_containers(
    pods: Pods, node: Node, registry: Registry, tmp_path: Path
) -> None:
    other = registry.push(ImageBuilder().layer({"a": b"b"}).build(), "other:1")
    node.cri("PullImage", image={"image": other})
    pod = pods.run()
    names = ("one", "two")
    containers = [pod.start("sh", "-c", COUNT, metadata={"name": name}) for name in names]
    before = [_count(container) for container in containers]
    place = tmp_path / "pod"
    place.mkdir()
    ids = [container.id for container in containers]
    for wrong, words in (
        ({"container_ids": []}, "container_ids is empty"),
        ({"container_ids": [*ids, ids[0]]}, "is there twice"),
        ({"container_ids": ids, "options": {"fast": "true"}}, "there is no 'fast'"),
        ({"container_ids": ids, "output_path": str(tmp_path / "none")}, "No such file"),
    ):
        with pytest.raises(grpc.RpcError, match=words):
            node.cri("CheckpointPod", **{"pod_sandbox_id": pod.id, "output_path": str(place), **wrong})
    assert not list(place.iterdir())
    node.cri("CheckpointPod", pod_sandbox_id=pod.id, output_path=str(place), container_ids=ids)
    assert all(container.status().state == RUNNING for container in containers)
    eventually(lambda: all(_goes_on(c, n) for c, n in zip(containers, before, strict=True)), seconds=30)

    config = pods.config()
    wanted = [
        {**container.config, "log_path": f"{name}.log"} for name, container in zip(names, containers, strict=True)
    ]
    with pytest.raises(grpc.RpcError, match=r"container_configs are for \['one'\]"):
        node.cri("RestorePod", checkpoint_path=str(place), config=config, container_configs=wanted[:1])
    for change, words in (
        ({"command": ["sleep", "1"]}, r"its command is \['sleep', '1'\], and the checkpoint's is \['sh', '-c', "),
        ({"image": {"image": other}}, "and the checkpoint was made of sha256:"),
        ({"image": {"image": "nobody/has:this"}}, "is not on this node"),
    ):
        with pytest.raises(grpc.RpcError, match=words):
            changed = [wanted[0], {**wanted[1], **change}]
            node.cri("RestorePod", checkpoint_path=str(place), config=config, container_configs=changed)
    answer = node.cri("RestorePod", checkpoint_path=str(place), config=config, container_configs=wanted)
    pods.made.append(type(pod)(node.cri, answer.pod_sandbox_id, config, pod.image))
    assert {each.name for each in answer.restored_containers} == set(names)
    for each in answer.restored_containers:
        restored = Container(node.cri, each.container_id, {}, Path(config["log_directory"]) / f"{each.name}.log")
        assert restored.status().state == CREATED
        restored.start()
        seen = before[names.index(each.name)]
        eventually(lambda restored=restored, seen=seen: _goes_on(restored, seen), seconds=30)


def test_without_leave_nothing_is_restored(pods: Pods, new_node: Callable[..., Node], image: str) -> None:
    with new_node() as plain:
        plain.start()
        plain.cri("PullImage", image={"image": image})
        others = Pods(plain.cri, image, plain.logs)
        with pytest.raises(grpc.RpcError, match=r"restored where checkpoint\.restore is set"):
            others.run().create(image={"image": "/etc/passwd"})
        with pytest.raises(grpc.RpcError, match="criu is not installed"):
            container = others.made[0].start()
            plain.cri("CheckpointContainer", container_id=container.id, location="/tmp/orlop-never.tar")
        others.remove_all()
