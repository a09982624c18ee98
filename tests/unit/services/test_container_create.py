"""CreateContainer: all or nothing, once for a name, and never in a pod that is going."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from orlop.model.container import ContainerRecord, ContainerStatus, LinuxContainerConfig
from orlop.model.enums import ContainerState
from orlop.model.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, OrlopError
from orlop.model.image import ImageSpec
from orlop.model.resources import LinuxContainerResources
from orlop.model.security import LinuxContainerSecurityContext
from orlop.services.container_create import create_container
from orlop.services.garbage import collect
from orlop.services.sandbox_stop import stop_pod_sandbox
from tests.fakes.deck import BUSYBOX, OWN_PID, FakeNode, container_config, is_there, names_in
from tests.fakes.story import until

STEPS = {
    "prepare the root filesystem": ("roots.prepare", ["roots.prepare", "roots.release"]),
    "create the container with its monitor": (
        "conmon.create",
        ["roots.prepare", "conmon.create", "runtime.delete", "roots.release"],
    ),
}


async def test_a_container_is_created_with_all_its_parts(node: FakeNode) -> None:
    pod = await node.run_pod()
    context = LinuxContainerSecurityContext(namespace_options=OWN_PID, run_as_username="web")
    linux = LinuxContainerConfig(resources=LinuxContainerResources(cpu_shares=512), security_context=context)
    container = await create_container(node.deck, pod, container_config(linux=linux))
    record, status = node.container(container).record, node.container(container).status
    assert (record.pod_id, record.image_id, record.image_ref) == (pod, BUSYBOX.id, BUSYBOX.digests[0])
    assert (status.made, status.state) == (True, ContainerState.CONTAINER_CREATED)
    assert (status.user.uid, status.resources) == (1000, LinuxContainerResources(cpu_shares=512))
    assert status.pid == node.conmon.pid(container)
    spec = json.loads((Path(record.bundle) / "config.json").read_bytes())
    assert spec["linux"]["cgroupsPath"] == record.cgroup == f"/orlop/pod-{pod}/orlop-{container}"
    request = node.conmon.requests[container]
    assert (request.runtime_path, request.bundle) == (record.runtime_path, record.bundle)
    assert node.story.asked("hierarchy.move") == [f"/orlop/pod-{pod}/orlop-monitor-{pod}"]
    assert not node.deck.building


async def test_the_pod_is_found_by_the_beginning_of_its_id(node: FakeNode) -> None:
    pod = await node.run_pod()
    assert node.container(await node.create(pod[:13])).record.pod_id == pod


async def test_asked_twice_there_is_one(node: FakeNode) -> None:
    pod = await node.run_pod()
    container = await node.create(pod)
    assert await node.create(pod) == container
    assert await node.create(pod, container_config(attempt=1)) != container
    assert len(node.deck.state.containers) == 2


async def test_another_configuration_under_the_same_name_is_refused(node: FakeNode) -> None:
    pod = await node.run_pod()
    container = await node.create(pod)
    with pytest.raises(AlreadyExists, match=f"belong to container {container}, made with another configuration"):
        await node.create(pod, container_config(command=("true",)))


async def test_a_caller_that_gives_up_finds_the_container_when_it_asks_again(node: FakeNode) -> None:
    pod, gate = await node.run_pod(), node.story.holds("conmon.create")
    first = asyncio.create_task(node.create(pod))
    await gate.reached()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    again = asyncio.create_task(node.create(pod))
    gate.opens()
    await again
    assert len(node.story.asked("conmon.create")) == 1


@pytest.mark.parametrize(
    ("config", "error", "text"),
    [
        (container_config(""), InvalidArgument, "config.metadata.name is empty"),
        (container_config(image=ImageSpec()), InvalidArgument, "config.image.image is empty"),
        (container_config(image=ImageSpec(image="not/here:1")), NotFound, "image 'not/here:1' is not on this node"),
        (container_config(log_path="x.log"), InvalidArgument, "config.log_path is set, but .* no log_directory"),
        (
            container_config(
                linux=LinuxContainerConfig(security_context=LinuxContainerSecurityContext(privileged=True))
            ),
            InvalidArgument,
            "the pod sandbox is not privileged",
        ),
    ],
)
async def test_what_cannot_be_made_is_refused_before_anything_is(
    node: FakeNode, config: object, error: type[OrlopError], text: str
) -> None:
    pod = await node.run_pod()
    with pytest.raises(error, match=text):
        await create_container(node.deck, pod, config)
    assert node.story.order("roots", "conmon", "runtime") == []
    assert not len(node.deck.state.containers)


async def test_an_image_may_be_named_by_image_ref(node: FakeNode) -> None:
    config = container_config(image=ImageSpec(image="nonsense", image_ref=BUSYBOX.tags[0]))
    assert node.container(await node.create(config=config)).record.image_id == BUSYBOX.id


async def test_unknown_pods_are_told(node: FakeNode) -> None:
    with pytest.raises(NotFound, match="no pod sandbox"):
        await create_container(node.deck, "0" * 64, container_config())


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_fails_is_named_and_everything_before_it_is_undone(node: FakeNode, step: str) -> None:
    call, order = STEPS[step]
    pod = await node.run_pod()
    node.story.fails(call, OSError(28, "No space left on device"))
    with pytest.raises(OrlopError, match=f"container main of pod default/web: {step}: the filesystem is full"):
        await node.create(pod)
    assert node.story.order("roots", "conmon", "runtime") == order
    await nothing_is_left(node)
    node.story.works(call)
    await node.create(pod)


async def test_a_configuration_that_cannot_be_written_leaves_nothing(node: FakeNode) -> None:
    pod = await node.run_pod()
    context = LinuxContainerSecurityContext(namespace_options=OWN_PID, run_as_username="ghost")
    config = container_config(linux=LinuxContainerConfig(security_context=context))
    with pytest.raises(InvalidArgument, match="write the OCI configuration: user 'ghost' is not in /etc/passwd"):
        await node.create(pod, config)
    await nothing_is_left(node)


async def test_a_full_state_database_leaves_nothing_running(node: FakeNode) -> None:
    pod, gate = await node.run_pod(), node.story.holds("conmon.create")
    creating = asyncio.create_task(node.create(pod))
    await gate.reached()
    node.state_is_full()
    gate.opens()
    with pytest.raises(OrlopError, match="the state database cannot be written"):
        await creating
    node.state_is_full(False)
    await nothing_is_left(node)


async def test_a_pod_that_is_stopped_meanwhile_gets_no_container(node: FakeNode) -> None:
    pod, gate = await node.run_pod(), node.story.holds("conmon.create")
    creating = asyncio.create_task(node.create(pod))
    await gate.reached()
    stopping = asyncio.create_task(stop_pod_sandbox(node.deck, pod))
    await asyncio.sleep(0.01)
    assert node.story.order("network") == ["network.add"]
    gate.opens()
    with pytest.raises(FailedPrecondition, match="is not ready: it is being stopped"):
        await creating
    await stopping
    with pytest.raises(FailedPrecondition, match="is not ready: it has been stopped"):
        await node.create(pod)
    await nothing_is_left(node)


async def test_a_stop_before_the_container_is_on_record_keeps_it_from_being_begun(node: FakeNode) -> None:
    pod, gate = await node.run_pod(), node.story.holds("images.find")
    creating = asyncio.create_task(node.create(pod))
    await gate.reached()
    await stop_pod_sandbox(node.deck, pod)
    gate.opens()
    with pytest.raises(FailedPrecondition, match="has been stopped"):
        await creating
    assert node.story.order("roots", "conmon") == []


async def test_parts_that_cannot_be_removed_stay_on_record_for_the_garbage_service(node: FakeNode) -> None:
    pod = await node.run_pod()
    node.deck.garbage_wanted.clear()
    node.story.fails("conmon.create", OSError(5, "broken"))
    node.story.fails("roots.release", OSError(16, "Device or resource busy"))
    with pytest.raises(OrlopError, match="broken"):
        await node.create(pod)
    [left] = node.deck.state.containers
    assert not left.status.made
    assert node.deck.garbage_wanted.is_set()
    assert await collect(node.deck) == 1
    node.story.works("roots.release")
    assert await collect(node.deck) == 0
    await nothing_is_left(node)


async def test_garbage_of_a_failed_attempt_does_not_take_the_name_of_the_next(node: FakeNode) -> None:
    pod = await node.run_pod()
    node.story.fails("conmon.create", OSError(5, "broken"))
    node.story.fails("roots.release", OSError(16, "Device or resource busy"))
    with pytest.raises(OrlopError, match="broken"):
        await node.create(pod)
    node.story.works("conmon.create")
    container = await node.create(pod)
    node.story.works("roots.release")
    assert await collect(node.deck) == 0
    assert await node.create(pod) == container
    assert len(node.deck.state.containers) == 1


async def test_a_retry_removes_what_a_daemon_that_died_has_left(node: FakeNode) -> None:
    pod = await node.run_pod()
    bundle = node.settings.bundle("half")
    os.makedirs(bundle)
    record = ContainerRecord(
        id="half", pod_id=pod, config=container_config(), handler="runc", created_at=1, bundle=bundle,
        runtime_path=str(node.runtime.path), runtime_root=str(node.runtime.root),
    )  # fmt: skip
    node.deck.state.containers.insert("half", record, ContainerStatus())
    node.deck.container_names[f"{pod}/main/0"] = "half"
    container = await node.create(pod)
    assert [entry.record.id for entry in node.deck.state.containers] == [container]
    assert not is_there(bundle)


async def nothing_is_left(node: FakeNode) -> None:
    assert not len(node.deck.state.containers)
    assert (node.deck.container_names, node.deck.building, node.deck.exited) == ({}, set(), {})
    assert await node.roots.ids() == ()
    for directory in (f"{node.settings.state_dir}/containers", node.settings.socket_dir, str(node.runtime.root)):
        assert names_in(directory) == []
    await until(lambda: not any(node.conmon.runs(each) for each in node.conmon.requests))
    # A monitor writes its last word when its container has gone already.
    await until(lambda: not names_in(node.settings.exit_dir))
    assert not node.deck.exit_watch._told
