"""RunPodSandbox: all or nothing, once for a name; the network only where the pod has one of its own."""

import asyncio
from dataclasses import replace

import pytest

from orlop.engine.cni.current import Readiness
from orlop.engine.oci.runtime import RuntimeFeatures
from orlop.model.enums import NamespaceMode, PodSandboxState
from orlop.model.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    OrlopError,
    Unavailable,
    Unsupported,
)
from orlop.model.pod import LinuxPodSandboxConfig, PodRecord, PodSandboxConfig, PodSandboxMetadata, PodStatus
from orlop.model.resources import LinuxContainerResources
from orlop.model.security import IDMapping, NamespaceOption, UserNamespace
from orlop.services.garbage import collect, run_garbage
from orlop.services.sandbox_list import list_pod_sandboxes
from orlop.services.sandbox_run import run_pod_sandbox
from orlop.services.sandbox_stop import stop_pod_sandbox
from tests.fakes.deck import NODE_NETWORK, SHARED_PID, FakeNode, is_there, names_in, owed, pod_config
from tests.fakes.story import until

PARTS = ("hierarchy", "namespaces", "files", "network", "runtime", "conmon")
UNDONE = ["namespaces.remove", "files.remove", "hierarchy.remove", "hierarchy.remove"]
STEPS = {
    "make the pod's cgroup": ("hierarchy.create", ["hierarchy.create", "hierarchy.remove", "hierarchy.remove"]),
    "make its namespaces": ("namespaces.create", ["hierarchy.create", "namespaces.create", *UNDONE]),
    "write its files": ("files.create", ["hierarchy.create", "namespaces.create", "files.create", *UNDONE]),
    "set up its network": (
        "network.add",
        ["hierarchy.create", "namespaces.create", "files.create", "network.add", "network.remove", *UNDONE],
    ),
}


async def test_a_pod_is_made_with_all_its_parts(node: FakeNode) -> None:
    resources = LinuxContainerResources(cpu_shares=100)
    linux = LinuxPodSandboxConfig(resources=resources, security_context=pod_config().linux.security_context)
    pod = await node.run_pod(pod_config(linux=linux))
    record, status = node.pod(pod).record, node.pod(pod).status
    assert (status.made, status.state, status.ips) == (True, PodSandboxState.SANDBOX_READY, ("10.1.0.5",))
    assert status.resources == resources
    assert (record.handler, record.handler_asked) == ("runc", "")
    assert node.story.order(*PARTS) == ["hierarchy.create", "namespaces.create", "files.create", "network.add"]
    attachment = node.network.attached[pod]
    assert (attachment.pod, attachment.netns) == ("default/web", record.namespaces.net)
    assert attachment.cgroup_path == f"/orlop/pod-{pod}"
    assert not node.deck.building
    assert len(node.deck.state.containers) == 0


async def test_a_pod_in_the_nodes_network_does_not_touch_cni(node: FakeNode) -> None:
    node.network.ready = Readiness(False, "NoConfig", "no network configuration")
    pod = await node.run_pod(pod_config(spaces=NODE_NETWORK))
    assert node.pod(pod).status.ips == ()
    await stop_pod_sandbox(node.deck, pod)
    assert node.story.order("network") == []


async def test_without_a_network_nothing_is_begun(node: FakeNode) -> None:
    node.network.ready = Readiness(False, "NoConfig", "no network configuration in /etc/cni/net.d")
    with pytest.raises(Unavailable, match="pod default/web: check the request: the network is not ready: no network"):
        await node.run_pod()
    assert node.story.order() == []


async def test_a_shared_pid_namespace_has_a_pause_process(node: FakeNode) -> None:
    pod = await node.run_pod(pod_config(spaces=SHARED_PID))
    [pause] = node.deck.state.containers_of(pod)
    assert (pause.record.infra, pause.record.config.metadata.name) == (True, "POD")
    assert node.story.asked("runtime.start") == [pause.record.id]


async def test_without_a_pause_binary_such_a_pod_is_refused_and_undone(node: FakeNode) -> None:
    node.deck.settings = type(node.settings)(**{**vars(node.settings), "pause_path": ""})
    with pytest.raises(FailedPrecondition, match=r"start its pause process: .* install the package catatonit"):
        await node.run_pod(pod_config(spaces=SHARED_PID))
    nothing_is_left(node)


@pytest.mark.parametrize("call", ["conmon.create", "runtime.start"])
async def test_a_pause_process_that_fails_takes_the_pod_with_it(node: FakeNode, call: str) -> None:
    if call == "runtime.start":
        node.runtime.fails("start", "no memory")
    else:
        node.story.fails(call, OrlopError("no memory"))
    with pytest.raises(OrlopError, match=r"pod default/web: (start its pause process|create the container).*no memory"):
        await node.run_pod(pod_config(spaces=SHARED_PID))
    await node.settled()
    nothing_is_left(node)
    await until(lambda: not any(node.conmon.runs(each) for each in node.conmon.requests))


@pytest.mark.parametrize("missing", ["name", "namespace", "uid"])
async def test_a_name_has_three_parts(node: FakeNode, missing: str) -> None:
    parts = {"name": "web", "namespace": "default", "uid": "u", missing: ""}
    with pytest.raises(InvalidArgument, match="needs name, namespace and uid"):
        await node.run_pod(PodSandboxConfig(metadata=PodSandboxMetadata(**parts)))


async def test_an_unknown_handler_is_told_with_those_there_are(node: FakeNode) -> None:
    with pytest.raises(InvalidArgument, match="no runtime handler 'kata' on this node; configured are: runc"):
        await run_pod_sandbox(node.deck, pod_config(), "kata")


async def test_a_cgroup_parent_of_the_other_driver_is_refused(node: FakeNode) -> None:
    with pytest.raises(InvalidArgument, match="is a systemd slice"):
        await node.run_pod(pod_config(linux=LinuxPodSandboxConfig(cgroup_parent="kubepods.slice")))
    assert node.story.order() == []


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_fails_is_named_and_everything_before_it_is_undone(node: FakeNode, step: str) -> None:
    call, order = STEPS[step]
    node.story.fails(call, OSError(28, "No space left on device"))
    with pytest.raises(OrlopError, match=f"pod default/web: {step}: the filesystem is full"):
        await node.run_pod()
    assert node.story.order(*PARTS) == order
    nothing_is_left(node)
    node.story.works(call)
    await node.run_pod()


async def test_asked_twice_there_is_one(node: FakeNode) -> None:
    pod = await node.run_pod()
    assert await node.run_pod() == pod
    assert await node.run_pod(pod_config(attempt=1)) != pod


async def test_a_retry_joins_the_work_that_goes_on(node: FakeNode) -> None:
    gate = node.story.holds("network.add")
    first = asyncio.create_task(node.run_pod())
    await gate.reached()
    first.cancel()
    again = asyncio.create_task(node.run_pod())
    with pytest.raises(AlreadyExists, match=r"being made with another configuration; it is at: set up its network"):
        await node.run_pod(pod_config(hostname="other"))
    assert list_pod_sandboxes(node.deck, None) == []
    gate.opens()
    pod = await again
    assert node.story.asked("network.add") == [pod]


async def test_a_name_in_use_is_refused_with_the_reason(node: FakeNode) -> None:
    pod = await node.run_pod()
    with pytest.raises(AlreadyExists, match=f"{pod}, which was made with another configuration: remove that first"):
        await node.run_pod(pod_config(hostname="other"))
    await stop_pod_sandbox(node.deck, pod)
    with pytest.raises(AlreadyExists, match=f"{pod}, which is not ready any more: remove that first"):
        await node.run_pod()


async def test_a_pod_that_is_being_stopped_is_not_given_out(node: FakeNode) -> None:
    pod, gate = await node.run_pod(), node.story.holds("network.remove")
    stopping = asyncio.create_task(stop_pod_sandbox(node.deck, pod))
    await gate.reached()
    with pytest.raises(AlreadyExists, match="is not ready any more"):
        await node.run_pod()
    gate.opens()
    await stopping


async def test_parts_that_cannot_be_removed_stay_on_record_and_are_collected(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orlop.services.garbage.FIRST_PAUSE", 0.01)
    node.deck.background.spawn(run_garbage(node.deck), "garbage")
    node.story.fails("network.add", OrlopError("no address"))
    node.story.fails("hierarchy.remove", OSError(16, "Device or resource busy"))
    with pytest.raises(OrlopError, match="no address"):
        await node.run_pod()
    [left] = node.deck.state.pods
    assert not left.status.made
    assert list_pod_sandboxes(node.deck, None) == []
    node.story.works("hierarchy.remove")
    await until(lambda: not len(node.deck.state.pods))
    nothing_is_left(node)


async def test_a_del_that_is_owed_keeps_the_namespaces_until_the_garbage_service_has_run_it(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orlop.services.garbage.FIRST_PAUSE", 0.01)
    node.deck.background.spawn(run_garbage(node.deck), "garbage")
    node.story.fails("network.add", OrlopError("no address"))
    node.story.fails("network.remove", owed())
    with pytest.raises(OrlopError, match="pod default/web: set up its network: no address"):
        await node.run_pod()
    assert not len(node.deck.state.pods)
    await until(lambda: len(node.story.asked("network.remove")) > 2)
    [pod] = node.network.attached
    assert is_there(node.network.attached[pod].netns)
    node.story.works("network.remove")
    await until(lambda: not node.network.attached)
    await until(lambda: not is_there(node.files.run_dir(pod)))


async def test_a_retry_removes_what_a_daemon_that_died_has_left(node: FakeNode) -> None:
    config = pod_config()
    record = PodRecord(id="half", config=config, handler="runc", handler_asked="", created_at=1)
    node.deck.state.pods.insert("half", record, PodStatus())
    node.deck.pod_names["default/web/uid-web/0"] = "half"
    pod = await node.run_pod(config)
    assert [entry.record.id for entry in node.deck.state.pods] == [pod]


async def test_garbage_leaves_a_pod_alone_that_is_being_made(node: FakeNode) -> None:
    gate = node.story.holds("conmon.create")
    running = asyncio.create_task(node.run_pod(pod_config(spaces=SHARED_PID)))
    await gate.reached()
    assert await collect(node.deck) == 0
    gate.opens()
    await running
    assert node.story.asked("network.remove") == node.story.asked("roots.release") == []


def nothing_is_left(node: FakeNode) -> None:
    assert not len(node.deck.state.pods)
    assert not len(node.deck.state.containers)
    assert (node.deck.pod_names, node.deck.building, node.network.attached) == ({}, set(), {})
    for name in ("pods", "pod-cgroups"):
        assert names_in(f"{node.settings.state_dir}/{name}") == []


async def test_a_user_namespace_needs_handler_and_node(node: FakeNode) -> None:
    mapping = (IDMapping(host_id=100000, container_id=0, length=65536),)
    options = NamespaceOption(pid=NamespaceMode.CONTAINER, userns_options=UserNamespace(uids=mapping, gids=mapping))
    config = pod_config(spaces=options)
    with pytest.raises(Unsupported, match="handler runc cannot"):
        await run_pod_sandbox(node.deck, config, "")
    handler = node.deck.handlers["runc"]
    node.deck.handlers["runc"] = replace(handler, features=RuntimeFeatures(user_namespaces=True))
    with pytest.raises(Unsupported, match="cannot map owners"):
        await run_pod_sandbox(node.deck, config, "")
    assert len(node.deck.state.pods) == 0
