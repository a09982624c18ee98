"""After any end of the daemon, records and kernel are brought together, and one broken object keeps nothing back."""

import os

import pytest

from orlop.model.container import ContainerRecord, ContainerStatus
from orlop.model.enums import ContainerState, PodSandboxState
from orlop.model.pod import PodRecord, PodStatus
from orlop.services import exits, recovery
from orlop.services.container_stop import stop_container
from orlop.services.recovery import recover
from tests.fakes.deck import NODE_NETWORK, SHARED_PID, FakeNode, container_config, names_in, pod_config
from tests.fakes.story import until


@pytest.fixture(autouse=True)
def files_are_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """The faked namespaces are plain files, not mounts."""
    monkeypatch.setattr(recovery, "is_mountpoint", os.path.exists)


async def restart(node: FakeNode) -> None:
    await node.daemon_dies()
    await recover(node.deck)
    node.watches()


async def test_all_is_as_it_was(node: FakeNode) -> None:
    pod = await node.run_pod()
    running, created = await node.start(pod), await node.create(pod, container_config("created"))
    node.story.forget()
    await restart(node)
    assert node.pod(pod).status.state is PodSandboxState.SANDBOX_READY
    assert node.container(running).status.state is ContainerState.CONTAINER_RUNNING
    assert node.container(created).status.state is ContainerState.CONTAINER_CREATED
    assert await node.run_pod() == pod
    assert await node.create(pod) == running
    assert node.story.order("runtime", "namespaces", "roots", "network") == []
    await stop_container(node.deck, running, 10)
    assert node.container(running).status.exit_code == 143
    await node.settled()


async def test_an_exit_while_the_daemon_was_down_is_found(node: FakeNode) -> None:
    container = await node.start()
    await node.daemon_dies()
    node.conmon.leaves_exit(container, 3, finished_at=9_000_000_000_000_000_000)
    await recover(node.deck)
    status = node.container(container).status
    assert (status.exit_code, status.finished_at) == (3, 9_000_000_000_000_000_000)
    await until(lambda: not node.runtime.knows(container))


async def test_a_monitor_that_died_meanwhile_ends_its_container(node: FakeNode) -> None:
    container = await node.start()
    await node.daemon_dies()
    await node.conmon.dies(container)
    await recover(node.deck)
    assert node.container(container).status.exit_code == 255
    await until(lambda: not node.conmon.runs(container))
    await node.settled()


async def test_a_monitor_that_dies_later_is_noticed(node: FakeNode) -> None:
    container = await node.start()
    await restart(node)
    await node.conmon.dies(container)
    await node.exit_of(container)
    assert node.container(container).status.exit_code == 255


async def test_a_start_that_was_not_recorded_is_seen_by_the_missing_fifo(node: FakeNode) -> None:
    pod = await node.run_pod()
    started, created = await node.start(pod), await node.create(pod, container_config("created"))
    node.deck.state.containers.update(started, started_at=0)
    await restart(node)
    assert node.container(started).status.state is ContainerState.CONTAINER_RUNNING
    assert node.container(created).status.state is ContainerState.CONTAINER_CREATED


@pytest.mark.parametrize(("kind", "name"), [("net", "network"), ("ipc", "IPC"), ("uts", "UTS")])
async def test_a_pod_whose_namespace_has_gone_is_lost(node: FakeNode, kind: str, name: str) -> None:
    pod = await node.run_pod()
    path = getattr(node.pod(pod).record.namespaces, kind)
    os.unlink(path)
    await restart(node)
    status = node.pod(pod).status
    assert (status.state, status.lost) == (
        PodSandboxState.SANDBOX_NOTREADY,
        f"its {name} namespace at {path} is gone",
    )


async def test_a_pod_without_namespaces_of_its_own_loses_none(node: FakeNode) -> None:
    pod = await node.run_pod(pod_config(spaces=NODE_NETWORK))
    await restart(node)
    assert node.pod(pod).status.state is PodSandboxState.SANDBOX_READY


async def test_a_pause_process_that_died_meanwhile_loses_the_pod(node: FakeNode) -> None:
    pod = await node.run_pod(pod_config(spaces=SHARED_PID))
    [pause] = node.deck.state.containers_of(pod)
    await node.daemon_dies()
    node.conmon.leaves_exit(pause.record.id, 0)
    await recover(node.deck)
    assert node.pod(pod).status.lost == "its pause process has ended"
    await node.settled()


async def test_what_is_half_made_is_left_to_the_garbage_service(node: FakeNode) -> None:
    pod = await node.run_pod()
    record = ContainerRecord(id="half", pod_id=pod, config=container_config(), handler="runc", created_at=1)
    node.deck.state.containers.insert("half", record, ContainerStatus())
    node.deck.state.pods.insert(
        "halfpod", PodRecord(id="halfpod", config=pod_config("other"), handler="runc", created_at=1), PodStatus()
    )
    await restart(node)
    assert node.deck.garbage_wanted.is_set()
    assert node.deck.container_names[f"{pod}/main/0"] == "half"
    assert node.deck.pod_names["default/other/uid-other/0"] == "halfpod"
    assert node.deck.exited == {}


async def test_what_is_made_has_its_name_whatever_else_is_left_under_it(node: FakeNode) -> None:
    pod = await node.run_pod()
    container = await node.create(pod)
    for left in ("0" * 64, "f" * 64):
        record = ContainerRecord(id=left, pod_id=pod, config=container_config(), handler="runc", created_at=1)
        node.deck.state.containers.insert(left, record, ContainerStatus())
        node.deck.state.pods.insert(
            left, PodRecord(id=left, config=pod_config(), handler="runc", created_at=1), PodStatus()
        )
    await restart(node)
    assert await node.create(pod) == container
    assert await node.run_pod() == pod


async def test_a_container_that_cannot_be_repaired_keeps_no_other_and_not_the_daemon(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exits, "FIRST_PAUSE", 0.01)
    pod = await node.run_pod()
    stuck, broken, other = [await node.start(pod, container_config(name)) for name in ("stuck", "broken", "other")]
    await node.daemon_dies()
    await node.conmon.dies(stuck)
    node.tree.gets_stuck(node.container(stuck).record.cgroup, 4711)
    exit_file = f"{node.settings.exit_dir}/{broken}"
    os.mkdir(exit_file)  # reading it fails
    node.conmon.leaves_exit(other, 1)
    await recover(node.deck)
    assert node.container(other).status.exit_code == 1
    assert node.container(stuck).status.state is ContainerState.CONTAINER_RUNNING
    assert node.container(broken).status.state is ContainerState.CONTAINER_RUNNING
    os.rmdir(exit_file)
    node.watches()
    node.tree.comes_free(node.container(stuck).record.cgroup)
    await node.exit_of(stuck)


async def test_a_pod_that_cannot_be_marked_keeps_no_other_and_not_the_daemon(node: FakeNode) -> None:
    lost, pod = await node.run_pod(pod_config("lost")), await node.run_pod()
    container = await node.create(pod)
    os.unlink(node.pod(lost).record.namespaces.net)
    await node.daemon_dies()
    node.state_is_full()
    await recover(node.deck)
    node.state_is_full(False)
    assert container in node.deck.exited
    assert await node.create(pod) == container


async def test_clean_up_that_the_daemons_death_cut_short_is_done(node: FakeNode) -> None:
    """It died between the record of an exit and the container's deletion from the OCI runtime."""
    container = await node.start()
    node.runtime.fails("delete", "the daemon dies here")
    node.conmon.ends(container)
    await node.exit_of(container)
    assert node.runtime.knows(container)
    node.runtime.works("delete")
    await restart(node)
    await until(lambda: not node.runtime.knows(container))
    await node.settled()


async def test_strays_go_with_the_rest(node: FakeNode) -> None:
    pod = await node.run_pod()
    await node.start(pod)
    node.deck.state.containers.delete(next(iter(node.deck.state.containers)).record.id)
    node.deck.state.pods.delete(pod)
    await restart(node)
    assert names_in(f"{node.settings.state_dir}/containers") == names_in(f"{node.settings.state_dir}/pods") == []
