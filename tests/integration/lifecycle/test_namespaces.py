"""Namespaces of pods and containers: own, shared, another container's, and the node's."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.harness.cri import refused
from tests.harness.pods import CONTAINER, NODE, POD, TARGET, Container, Pods
from tests.integration.lifecycle.conftest import each_handler


def _options(**modes: Any) -> dict[str, Any]:
    return {"security_context": {"namespace_options": {"pid": CONTAINER, **modes}}}


def _namespace(container: Container, kind: str) -> str:
    return container.sh(f"readlink /proc/self/ns/{kind}")


@each_handler
def test_containers_of_a_pod_share_network_ipc_and_uts_only(pods: Pods) -> None:
    pod = pods.run()
    one, two = pod.start(), pod.start()
    for kind, shared in (("net", True), ("ipc", True), ("uts", True), ("pid", False), ("mnt", False)):
        assert (_namespace(one, kind) == _namespace(two, kind)) is shared, kind
        assert _namespace(one, kind) != os.readlink(f"/proc/self/ns/{kind}"), kind


def test_pods_share_nothing(pods: Pods) -> None:
    one, two = pods.run().start(), pods.run().start()
    for kind in ("net", "ipc", "uts", "pid", "mnt"):
        assert _namespace(one, kind) != _namespace(two, kind), kind


@each_handler
@pytest.mark.parametrize(("mode", "kind"), [("network", "net"), ("pid", "pid"), ("ipc", "ipc")])
def test_a_pod_may_use_the_nodes(pods: Pods, mode: str, kind: str) -> None:
    linux = _options(**{mode: NODE})
    pod = pods.run(linux=linux)
    container = pod.start(linux=linux)
    assert _namespace(container, kind) == os.readlink(f"/proc/self/ns/{kind}")
    assert getattr(pod.status().linux.namespaces.options, mode) == NODE


def test_a_pod_in_the_nodes_network_has_no_address_and_the_nodes_name(pods: Pods) -> None:
    linux = _options(network=NODE)
    pod = pods.run(linux=linux)
    assert pod.ip == ""
    assert pod.start(linux=linux).sh("hostname") == os.uname().nodename


@each_handler
def test_a_shared_pid_namespace_lets_containers_see_each_other(pods: Pods) -> None:
    linux = _options(pid=POD)
    pod = pods.run(linux=linux)
    one = pod.start("sh", "-c", "exec sleep 4321", linux=linux)
    two = pod.start(linux=linux)
    assert _namespace(one, "pid") == _namespace(two, "pid")
    assert "sleep 4321" in two.sh("ps -o args")


def test_the_shared_pid_namespace_outlives_its_containers(pods: Pods) -> None:
    linux = _options(pid=POD)
    pod = pods.run(linux=linux)
    first = pod.start("true", linux=linux)
    first.wait()
    second = pod.start(linux=linux)
    assert second.sh("echo fine") == "fine"


def test_the_pause_process_is_not_listed(pods: Pods) -> None:
    linux = _options(pid=POD)
    pod = pods.run(linux=linux)
    container = pod.start(linux=linux)
    assert [item.id for item in pod.cri("ListContainers", filter={"pod_sandbox_id": pod.id}).containers] == [
        container.id
    ]


@each_handler
def test_a_debug_container_joins_its_target(pods: Pods) -> None:
    pod = pods.run()
    target = pod.start("sh", "-c", "exec sleep 8765")
    debug = pod.start(linux=_options(pid=TARGET, target_id=target.id))
    assert "sleep 8765" in debug.sh("ps -o args")


def test_a_target_must_run_and_be_of_the_same_pod(pods: Pods) -> None:
    pod = pods.run()
    stranger = pods.run().start()
    with refused("INVALID_ARGUMENT", "target_id"):
        pod.start(linux=_options(pid=TARGET, target_id=stranger.id))
    ended = pod.start("true")
    ended.wait()
    with refused("FAILED_PRECONDITION", ended.config["metadata"]["name"]):
        pod.start(linux=_options(pid=TARGET, target_id=ended.id))


def test_sysctls_are_the_pods_alone(pods: Pods) -> None:
    mine = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    pod = pods.run(linux={"sysctls": {"net.ipv4.ip_local_port_range": "2000 3000", "kernel.shm_rmid_forced": "1"}})
    container = pod.start()
    assert container.sh("cat /proc/sys/net/ipv4/ip_local_port_range").split() == ["2000", "3000"]
    assert container.sh("cat /proc/sys/kernel/shm_rmid_forced") == "1"
    assert Path("/proc/sys/net/ipv4/ip_local_port_range").read_text() == mine


@pytest.mark.parametrize("name", ["kernel.panic", "vm.swappiness", "net/../../kernel/panic", "nonsense"])
def test_a_sysctl_of_the_node_is_refused_by_name(pods: Pods, name: str) -> None:
    with refused("INVALID_ARGUMENT", name):
        pods.run(linux={"sysctls": {name: "1"}})


def test_a_sysctl_of_the_node_is_refused_in_the_nodes_network(pods: Pods) -> None:
    with refused("INVALID_ARGUMENT", "net.ipv4.ip_forward"):
        pods.run(linux={**_options(network=NODE), "sysctls": {"net.ipv4.ip_forward": "0"}})


def test_shared_memory_is_the_pods(pods: Pods) -> None:
    pod = pods.run()
    one, two = pod.start(), pod.start()
    one.sh("echo hello > /dev/shm/word")
    assert two.sh("cat /dev/shm/word") == "hello"
    assert int(one.sh("df -k /dev/shm | tail -1 | awk '{print $2}'")) == 64 << 10
