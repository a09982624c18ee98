"""Many pods, one after another and all at once: afterwards there is as much of everything as before."""

import os
from typing import Any

import pytest

from tests.harness import leaks
from tests.harness.cri import Cri
from tests.harness.node import Node
from tests.harness.pods import Pods

IN_A_ROW = 200
AT_ONCE = 30


def _descriptors(node: Node) -> int:
    return len(os.listdir(f"/proc/{node.pid}/fd"))


@pytest.mark.timeout(600)
def test_two_hundred_pods_in_a_row_leave_nothing(node: Node, pods: Pods) -> None:
    _one(pods, 0)
    before, descriptors, leases = leaks.take(), _descriptors(node), node.network.leases()
    for number in range(IN_A_ROW):
        _one(pods, number)
    assert leaks.settle(before) == []
    assert node.network.leases() == leases
    assert _descriptors(node) <= descriptors + 2


def _one(pods: Pods, number: int) -> None:
    pods.handler = ("runc", "crun")[number % 2]
    pod = pods.run(port_mappings=[{"container_port": 80, "host_port": 18100}])
    container = pod.start("sh", "-c", f"echo {number}; exit {number % 256}")
    assert container.wait().exit_code == number % 256
    assert container.output() == f"{number}\n"
    pods.remove_all()


@pytest.mark.timeout(300)
def test_thirty_pods_at_once_leave_nothing(node: Node, pods: Pods, cri: Cri) -> None:
    before, descriptors = leaks.take(), _descriptors(node)
    configs = [pods.config() for _ in range(AT_ONCE)]
    _all(cri, "RunPodSandbox", [{"config": config} for config in configs])
    made = [pods.run_as(config) for config in configs]
    assert len({pod.ip for pod in made}) == AT_ONCE
    containers = [pod.create() for pod in made]
    _all(cri, "StartContainer", [{"container_id": container.id} for container in containers])
    assert len(node.network.leases()) >= AT_ONCE
    _all(cri, "StopPodSandbox", [{"pod_sandbox_id": pod.id} for pod in made])
    _all(cri, "RemovePodSandbox", [{"pod_sandbox_id": pod.id} for pod in made])
    assert leaks.settle(before) == []
    assert _descriptors(node) <= descriptors + 2


def _all(cri: Cri, rpc: str, requests: list[dict[str, Any]]) -> None:
    for call in [cri.future(rpc, **fields) for fields in requests]:
        call.result()
