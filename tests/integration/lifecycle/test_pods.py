"""Pod sandboxes: run, status, list, stop, remove, and the ways in which a kubelet repeats itself."""

import time

import pytest

from tests.harness.cri import Cri, refused
from tests.harness.pods import NOTREADY, READY, Pods
from tests.integration.lifecycle.conftest import each_handler


@each_handler
def test_a_pod_runs_stops_and_is_gone(pods: Pods) -> None:
    pod = pods.run()
    assert pod.status().state == READY
    pod.stop()
    assert pod.status().state == NOTREADY
    pod.remove()
    with refused("NOT_FOUND", pod.id):
        pod.status()


def test_status_tells_what_was_asked(pods: Pods) -> None:
    before = time.time_ns()
    pod = pods.run(labels={"app": "web"}, annotations={"note": "ü"})
    status = pod.status()
    wanted = pod.config["metadata"]
    assert (status.id, status.metadata.name, status.metadata.uid) == (pod.id, wanted["name"], wanted["uid"])
    assert (status.metadata.namespace, status.metadata.attempt) == ("test", 0)
    assert (dict(status.labels), dict(status.annotations)) == ({"app": "web"}, {"note": "ü"})
    assert before <= status.created_at <= time.time_ns()
    assert status.linux.namespaces.options.pid == 1
    assert status.network.ip


def test_status_of_a_pod_lists_its_containers(pods: Pods) -> None:
    pod = pods.run()
    container = pod.start()
    answer = pod.status(verbose=True)
    assert [item.id for item in answer.containers_statuses] == [container.id]
    assert answer.timestamp
    assert answer.info["info"].startswith("{")


def test_handler_is_reported_as_it_was_asked(pods: Pods, cri: Cri) -> None:
    pods.handler = "runc"
    pod = pods.run()
    assert pod.status().runtime_handler == "runc"
    listed = cri("ListPodSandbox", filter={"id": pod.id}).items
    assert [item.runtime_handler for item in listed] == ["runc"]


def test_lists_are_filtered_by_id_state_and_labels(pods: Pods, cri: Cri) -> None:
    one, two = pods.run(labels={"app": "one", "mark": "yes"}), pods.run(labels={"app": "two", "mark": "yes"})
    two.stop()

    def ids(**filter: object) -> set[str]:
        return {item.id for item in cri("ListPodSandbox", filter=filter).items}

    assert {one.id, two.id} <= ids()
    assert ids(id=one.id) == {one.id}
    assert ids(id=one.id[:13]) == {one.id}
    assert ids(label_selector={"mark": "yes"}) == {one.id, two.id}
    assert ids(label_selector={"mark": "yes"}, state={"state": READY}) == {one.id}
    assert ids(label_selector={"mark": "yes"}, state={"state": NOTREADY}) == {two.id}
    assert ids(label_selector={"mark": "yes", "app": "two"}, state={"state": READY}) == set()
    assert ids(id="f" * 64) == set()


def test_stop_and_remove_may_be_repeated(pods: Pods) -> None:
    pod = pods.run()
    for _ in range(3):
        pod.stop()
    for _ in range(3):
        pod.remove()
    pod.stop()


def test_unknown_pods_are_told_from_known_ones(cri: Cri) -> None:
    unknown = "0123456789abcdef" * 4
    cri("StopPodSandbox", pod_sandbox_id=unknown)
    cri("RemovePodSandbox", pod_sandbox_id=unknown)
    with refused("NOT_FOUND", unknown):
        cri("PodSandboxStatus", pod_sandbox_id=unknown)


def test_asking_again_for_the_same_pod_gives_the_same_pod(pods: Pods) -> None:
    config = pods.config()
    assert pods.run_as(config).id == pods.run_as(config).id


def test_twenty_requests_for_one_pod_make_one_pod(pods: Pods, cri: Cri) -> None:
    config = pods.config()
    calls = [cri.future("RunPodSandbox", config=config) for _ in range(20)]
    ids = {call.result().pod_sandbox_id for call in calls}
    assert len(ids) == 1
    assert ids == {pods.run_as(config).id}


def test_a_name_that_is_taken_is_told_with_its_owner(pods: Pods) -> None:
    pod = pods.run()
    with refused("ALREADY_EXISTS", pod.config["metadata"]["name"], pod.id):
        pods.run_as({**pod.config, "labels": {"other": "yes"}})


def test_the_next_attempt_lives_beside_the_stopped_one(pods: Pods) -> None:
    first = pods.run()
    first.stop()
    second = pods.run_as({**first.config, "metadata": {**first.config["metadata"], "attempt": 1}})
    assert second.id != first.id
    assert second.status().metadata.attempt == 1


def test_removing_a_running_pod_stops_it_and_its_containers(pods: Pods, cri: Cri) -> None:
    pod = pods.run()
    container = pod.start()
    pod.remove()
    assert cri("ListContainers", filter={"id": container.id}).containers == []
    with refused("NOT_FOUND", container.id):
        container.status()


@pytest.mark.parametrize("part", ["name", "uid", "namespace"])
def test_a_pod_needs_a_whole_name(pods: Pods, part: str) -> None:
    config = pods.config()
    config["metadata"] = {**config["metadata"], part: ""}
    with refused("INVALID_ARGUMENT", part):
        pods.run_as(config)


def test_hostname_is_the_pods(pods: Pods) -> None:
    container = pods.run(hostname="deck-four").start()
    assert container.sh("hostname") == "deck-four"
    assert container.sh("cat /etc/hostname") == "deck-four"


def test_a_stopped_pod_takes_no_containers(pods: Pods) -> None:
    pod = pods.run()
    pod.stop()
    with refused("FAILED_PRECONDITION", pod.config["metadata"]["name"]):
        pod.create()
