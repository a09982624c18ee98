"""Containers: create, start, exit, list, status, remove, and the ways in which a kubelet repeats itself."""

import time

import pytest

from tests.harness.cri import Cri, refused
from tests.harness.foreign import ours
from tests.harness.pods import CREATED, EXITED, RUNNING, Pods
from tests.integration.lifecycle.conftest import each_handler


@each_handler
def test_a_container_is_created_runs_and_exits(pods: Pods) -> None:
    container = pods.run().create("sh", "-c", "sleep 0.3; exit 7")
    status = container.status()
    assert (status.state, status.started_at, status.finished_at) == (CREATED, 0, 0)
    before = time.time_ns()
    container.start()
    assert container.status().state == RUNNING
    status = container.wait()
    assert (status.state, status.exit_code, status.reason) == (EXITED, 7, "Error")
    assert before <= status.started_at < status.finished_at <= time.time_ns()


@each_handler
@pytest.mark.parametrize(
    ("command", "code"),
    [("exit 0", 0), ("exit 255", 255), ("kill -KILL $$; sleep 9", 137), ("kill -SEGV $$; sleep 9", 139)],
)
def test_exit_codes(pods: Pods, command: str, code: int) -> None:
    # A shell below the first process: PID 1 of a namespace ignores its own signals.
    container = pods.run().start("sh", "-c", f"sh -c '{command}'; exit $?")
    status = container.wait()
    assert status.exit_code == code
    assert status.reason == ("Completed" if code == 0 else "Error")


def test_status_tells_what_was_asked(pods: Pods, pulled: str) -> None:
    container = pods.run().start(labels={"a": "b"}, annotations={"c": "d"})
    status = container.status()
    assert (status.id, status.metadata.name) == (container.id, container.config["metadata"]["name"])
    assert (dict(status.labels), dict(status.annotations)) == ({"a": "b"}, {"c": "d"})
    assert status.image.image == pulled
    assert status.image_id.startswith("sha256:")
    assert "@sha256:" in status.image_ref
    assert status.log_path == str(container.log_file)
    assert status.user.linux.uid == 0


def test_lists_are_filtered_by_id_pod_state_and_labels(pods: Pods, cri: Cri) -> None:
    one, two = pods.run(), pods.run()
    created = one.create(labels={"kind": "x"})
    running = one.start(labels={"kind": "x", "more": "y"})
    exited = two.start("true", labels={"kind": "x"})
    exited.wait()

    def ids(**filter: object) -> set[str]:
        return {item.id for item in cri("ListContainers", filter=filter).containers}

    assert {created.id, running.id, exited.id} <= ids()
    assert ids(id=running.id[:10]) == {running.id}
    assert ids(pod_sandbox_id=one.id) == {created.id, running.id}
    assert ids(pod_sandbox_id=one.id, state={"state": RUNNING}) == {running.id}
    assert ids(label_selector={"kind": "x"}, state={"state": EXITED}) == {exited.id}
    assert ids(label_selector={"kind": "x", "more": "y"}) == {running.id}
    assert ids(id=exited.id, pod_sandbox_id=one.id) == set()


def test_a_list_entry_names_image_pod_and_state(pods: Pods, cri: Cri, pulled: str) -> None:
    pod = pods.run()
    container = pod.start()
    (item,) = cri("ListContainers", filter={"id": container.id}).containers
    assert (item.pod_sandbox_id, item.state, item.image.image) == (pod.id, RUNNING, pulled)
    assert item.image_id == container.status().image_id


@ours("a retry of a create gets the same container")
def test_asking_again_for_the_same_container_gives_the_same(pods: Pods, cri: Cri) -> None:
    pod = pods.run()
    first = pod.create()
    again = cri("CreateContainer", pod_sandbox_id=pod.id, config=first.config, sandbox_config=pod.config)
    assert again.container_id == first.id


def test_a_name_that_is_taken_is_told_with_its_owner(pods: Pods, cri: Cri) -> None:
    pod = pods.run()
    first = pod.create()
    with refused("ALREADY_EXISTS", first.id):
        pod.create(metadata=first.config["metadata"], labels={"other": "yes"})


def test_the_next_attempt_lives_beside_the_exited_one(pods: Pods) -> None:
    pod = pods.run()
    first = pod.start("true")
    first.wait()
    second = pod.start(metadata={**first.config["metadata"], "attempt": 1})
    assert second.id != first.id
    assert second.status().metadata.attempt == 1


def test_stop_and_remove_may_be_repeated(pods: Pods) -> None:
    container = pods.run().start()
    for _ in range(3):
        container.stop()
    assert container.status().state == EXITED
    for _ in range(3):
        container.remove()
    container.stop()


def test_unknown_containers_are_told_from_known_ones(cri: Cri) -> None:
    unknown = "fedcba9876543210" * 4
    cri("StopContainer", container_id=unknown, timeout=0)
    cri("RemoveContainer", container_id=unknown)
    for rpc in ("ContainerStatus", "StartContainer", "ContainerStats", "ReopenContainerLog"):
        with refused("NOT_FOUND", unknown):
            cri(rpc, container_id=unknown)
    with refused("NOT_FOUND", unknown):
        cri("ExecSync", container_id=unknown, cmd=["true"])
    with refused("NOT_FOUND", unknown):
        cri("UpdateContainerResources", container_id=unknown, linux={})


def test_a_container_starts_once(pods: Pods) -> None:
    container = pods.run().start()
    with refused("FAILED_PRECONDITION", container.config["metadata"]["name"]):
        container.start()
    container.stop()
    with refused("FAILED_PRECONDITION", container.config["metadata"]["name"]):
        container.start()


def test_a_created_container_may_be_removed_unstarted(pods: Pods) -> None:
    container = pods.run().create()
    container.remove()
    with refused("NOT_FOUND"):
        container.status()


def test_removing_a_running_container_kills_it(pods: Pods) -> None:
    container = pods.run().start()
    container.remove()
    with refused("NOT_FOUND"):
        container.status()


def test_the_log_outlives_its_container(pods: Pods) -> None:
    container = pods.run().start("echo", "last words")
    container.wait()
    container.remove()
    assert container.output() == "last words\n"


@each_handler
def test_a_command_that_does_not_exist_is_named(pods: Pods) -> None:
    pod = pods.run()
    with refused("INVALID_ARGUMENT", "/no/such/program"):
        pod.start("/no/such/program")


def test_environment_arguments_and_directory(pods: Pods) -> None:
    container = pods.run().start(
        *("sh", "-c"),
        args=('echo "$WORD|$0|$1|$(pwd)"', "zero", "one"),
        envs=[{"key": "WORD", "value": b"a b=c"}],
        working_dir="/some/where",
    )
    assert container.wait().exit_code == 0
    assert container.output() == "a b=c|zero|one|/some/where\n"


def test_the_writable_layer_is_the_containers_own(pods: Pods) -> None:
    pod = pods.run()
    one, two = pod.start(), pod.start()
    one.sh("echo mine > /mark")
    assert two.exec("cat", "/mark").exit_code == 1
    assert one.sh("cat /mark") == "mine"


def test_thirty_containers_in_one_pod_at_once(pods: Pods, cri: Cri) -> None:
    pod = pods.run()
    containers = [pod.create() for _ in range(30)]
    for call in [cri.future("StartContainer", container_id=item.id) for item in containers]:
        call.result()
    assert {item.status().state for item in containers} == {RUNNING}
    pod.stop()
    assert {item.status().state for item in containers} == {EXITED}
