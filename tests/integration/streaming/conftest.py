"""Streaming is tested by its real client, crictl, and by aiohttp's for WebSocket, against the node of the lifecycle."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.cri import Cri
from tests.harness.pods import Container, Pod, Pods
from tests.integration.lifecycle.conftest import (
    cri,
    handler,
    image,
    new_node,
    node,
    own_node,
    own_pods,
    pods,
    pulled,
    registry,
)
from tests.integration.streaming.clients import Crictl

__all__ = ["cri", "handler", "image", "new_node", "node", "own_node", "own_pods", "pods", "pulled", "registry"]


@pytest.fixture
def crictl(cri: Cri, tmp_path: Path) -> Iterator[Crictl]:
    """crictl at the node's socket; what it started and still runs is killed."""
    with Crictl(cri.socket, tmp_path) as crictl:
        yield crictl


@pytest.fixture
def pod(pods: Pods) -> Pod:
    """A pod with a network of its own."""
    return pods.run()


@pytest.fixture
def container(pod: Pod) -> Container:
    """A container that sleeps."""
    return pod.start()
