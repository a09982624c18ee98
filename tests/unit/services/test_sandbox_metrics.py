"""Metrics of pods."""

import errno

import pytest

from orlop.services.sandbox_metrics import list_pod_sandbox_metrics
from tests.fakes.deck import NODE_NETWORK, FakeNode, pod_config


async def test_one_that_cannot_be_read_hides_no_other(node: FakeNode, caplog: pytest.LogCaptureFixture) -> None:
    pods = [await node.run_pod(pod_config(name, spaces=NODE_NETWORK)) for name in ("a", "b", "c")]
    first, _, third = [await node.start(pod) for pod in pods]
    broken = {node.container(first).record.cgroup, f"/orlop/pod-{pods[1]}"}

    def account(path: str) -> None:
        raise OSError(errno.EIO, "it cannot be read", path) if path in broken else FileNotFoundError(path)

    node.tree.account = account  # type: ignore[attr-defined]
    found = {each.pod_sandbox_id: each.container_metrics for each in await list_pod_sandbox_metrics(node.deck)}
    assert {pod: [each.container_id for each in containers] for pod, containers in found.items()} == {
        pods[0]: [],
        pods[2]: [third],
    }
    assert caplog.text.count("it cannot be read") == 2
