"""GetContainerEvents through the socket: each change once, in order, with the pod's state at that moment."""

import contextlib
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.harness.cri import Cri
from tests.harness.node import Node
from tests.harness.pods import EXITED, NOTREADY, READY, RUNNING, Pods, eventually
from tests.integration.lifecycle.conftest import each_handler

KINDS = ("created", "started", "stopped", "deleted")


class Listener:
    """A client of the stream, in a thread of its own."""

    def __init__(self, cri: Cri) -> None:
        self.heard: list[Any] = []
        self.error: grpc.RpcError | None = None
        self._call = cri.stream("GetContainerEvents")
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for event in self._call:
                self.heard.append(event)
        except grpc.RpcError as error:
            self.error = error

    def of(self, *ids: str) -> list[tuple[str, str]]:
        """Id and kind of each event about these."""
        return [(e.container_id, KINDS[e.container_event_type]) for e in list(self.heard) if e.container_id in ids]

    def last(self, object_id: str, kind: str) -> Any:
        """The last event of a kind."""
        return [e for e in self.heard if (e.container_id, KINDS[e.container_event_type]) == (object_id, kind)][-1]

    def end(self, *, cancel: bool = True) -> None:
        """Go away."""
        if cancel:
            self._call.cancel()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def listener(pods: Pods, cri: Cri) -> Iterator[Listener]:
    """A listener that the daemon knows already: it has heard of a pod made for that."""
    listener = Listener(cri)
    deadline = time.monotonic() + 10
    while not listener.heard:
        assert time.monotonic() < deadline
        pods.run()
        time.sleep(0.05)
    yield listener
    listener.end()


@each_handler
def test_a_pods_whole_life_is_told(pods: Pods, listener: Listener) -> None:
    pod = pods.run(labels={"app": "web"})
    container = pod.start()
    container.stop()
    exit_code = container.status().exit_code
    container.remove()
    pod.stop()
    pod.remove()
    expected = [
        (pod.id, "created"), (pod.id, "started"), (container.id, "created"), (container.id, "started"),
        (container.id, "stopped"), (container.id, "deleted"), (pod.id, "stopped"), (pod.id, "deleted"),
    ]  # fmt: skip
    eventually(lambda: len(listener.of(pod.id, container.id)) >= len(expected))
    assert listener.of(pod.id, container.id) == expected
    started = listener.last(container.id, "started")
    assert started.pod_sandbox_status.metadata.uid == pod.config["metadata"]["uid"]
    assert (started.pod_sandbox_status.state, started.pod_sandbox_status.labels["app"]) == (READY, "web")
    assert started.pod_sandbox_status.network.ip
    assert [(item.id, item.state) for item in started.containers_statuses] == [(container.id, RUNNING)]
    stopped = listener.last(container.id, "stopped")
    assert [(item.state, item.exit_code) for item in stopped.containers_statuses] == [(EXITED, exit_code)]
    assert list(listener.last(container.id, "deleted").containers_statuses) == []
    assert listener.last(pod.id, "stopped").pod_sandbox_status.state == NOTREADY
    times = [event.created_at for event in listener.heard]
    assert times == sorted(set(times))


@each_handler
def test_containers_that_end_at_once_are_told_in_order(pods: Pods, listener: Listener) -> None:
    pod = pods.run()
    containers = [pod.start("sh", "-c", f"exit {number}") for number in range(5)]
    for number, container in enumerate(containers):
        container.wait()
        eventually(lambda container=container: len(listener.of(container.id)) >= 3)
        assert [kind for _, kind in listener.of(container.id)] == ["created", "started", "stopped"]
        status = {item.id: item for item in listener.last(container.id, "stopped").containers_statuses}
        assert status[container.id].exit_code == number


def _first_in_pid_namespace_of(pid: int) -> int:
    """The process that is number 1 in another's PID namespace."""
    namespace = os.readlink(f"/proc/{pid}/ns/pid")
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            inner = re.search(r"^NSpid:.*\s(\d+)$", (directory / "status").read_text(), re.MULTILINE)
            if inner and inner[1] == "1" and os.readlink(directory / "ns" / "pid") == namespace:
                return int(directory.name)
    raise AssertionError(f"nobody is number 1 in {namespace}")


def test_a_pod_that_loses_its_shared_pid_namespace_is_told_to_have_stopped(pods: Pods, listener: Listener) -> None:
    pod = pods.run(linux={"security_context": {"namespace_options": {"pid": 0}}})
    container = pod.start(linux={"security_context": {"namespace_options": {"pid": 0}}})
    os.kill(_first_in_pid_namespace_of(container.info()["pid"]), signal.SIGKILL)
    eventually(lambda: (pod.id, "stopped") in listener.of(pod.id))
    pod.stop()
    pod.remove()
    eventually(lambda: (pod.id, "deleted") in listener.of(pod.id))
    assert [kind for _, kind in listener.of(pod.id)] == ["created", "started", "stopped", "deleted"]


def test_every_listener_hears_and_one_that_left_is_forgotten(pods: Pods, cri: Cri, listener: Listener) -> None:
    other = Listener(cri)
    eventually(lambda: pods.run() and other.heard)
    pod = pods.run()
    eventually(lambda: len(other.of(pod.id)) == len(listener.of(pod.id)) == 2)
    other.end()
    later = pods.run()
    eventually(lambda: len(listener.of(later.id)) == 2)
    assert other.of(later.id) == []


def test_a_daemon_that_stops_does_not_wait_for_its_listeners(own_node: Node, own_pods: Pods) -> None:
    listener = Listener(own_node.cri)
    eventually(lambda: own_pods.run() and listener.heard)
    own_pods.remove_all()
    began = time.monotonic()
    os.kill(own_node.pid, signal.SIGTERM)
    listener.end(cancel=False)
    assert time.monotonic() - began < 30
    assert listener.error is not None
    assert listener.error.code() is grpc.StatusCode.UNAVAILABLE
