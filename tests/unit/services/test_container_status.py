"""ContainerStatus: from memory, with JSON for who asks for more."""

import json
import os

import pytest

from orlop.linux.files import write_atomic
from orlop.model import signals
from orlop.model.container import Mount
from orlop.model.enums import ContainerState
from orlop.services.container_status import container_status
from tests.fakes.deck import BUSYBOX, FakeNode, container_config


async def test_a_container_through_its_life(node: FakeNode) -> None:
    config = container_config(
        labels={"app": "web"},
        annotations={"x": "y"},
        mounts=(Mount(container_path="/data", host_path=str(node.home)),),
        stop_signal=signals.to_cri("SIGUSR1"),
    )
    container = await node.create(config=config)
    created, info = container_status(node.deck, container, False)
    assert info == {}
    assert (created.state, created.started_at, created.finished_at) == (ContainerState.CONTAINER_CREATED, 0, 0)
    assert (created.metadata, created.labels, created.annotations) == (config.metadata, {"app": "web"}, {"x": "y"})
    assert (created.image, created.image_id, created.image_ref) == (config.image, BUSYBOX.id, BUSYBOX.digests[0])
    assert (created.mounts, created.stop_signal) == (config.mounts, signals.to_cri("SIGUSR1"))
    assert (created.resources.linux, created.user.linux.uid) == (config.linux.resources, 0)
    node.conmon.ends(container, 3)
    await node.exit_of(container)
    ended, _ = container_status(node.deck, container[:12], False)
    assert (ended.state, ended.exit_code, ended.reason) == (ContainerState.CONTAINER_EXITED, 3, "Error")
    assert ended.finished_at > 0


async def test_more_of_a_container(node: FakeNode) -> None:
    container = await node.start()
    _, info = container_status(node.deck, container, True)
    told = json.loads(info["info"])
    record, status = node.container(container).record, node.container(container).status
    assert told["runtimeSpec"]["linux"]["cgroupsPath"] == record.cgroup
    assert (told["sandboxID"], told["pid"]) == (record.pod_id, node.conmon.pid(container))
    assert (told["monitorPid"], told["runtimePath"]) == (status.monitor_pid, str(node.runtime.path))


@pytest.mark.parametrize("content", [None, "{"])
async def test_a_configuration_that_cannot_be_read_is_no_failure(node: FakeNode, content: str | None) -> None:
    container = await node.start()
    path = f"{node.container(container).record.bundle}/config.json"
    os.unlink(path)
    if content is not None:
        write_atomic(path, content)
    _, info = container_status(node.deck, container, True)
    assert json.loads(info["info"])["runtimeSpec"].startswith("unreadable: ")
