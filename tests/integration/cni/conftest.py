"""Fixtures: a node with a network, and servers in it."""

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from orlop.linux.namespaces import run_in_netns
from tests.harness.network import PLUGIN_DIR
from tests.integration.cni.cluster import Cluster


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    if not Path(PLUGIN_DIR, "bridge").exists():  # noqa: ASYNC240  # one stat in a fixture
        pytest.skip(f"no CNI plugins in {PLUGIN_DIR}")
    cluster = Cluster(tmp_path)
    await cluster.network.start()
    yield cluster
    await cluster.end()


@pytest.fixture
def listening() -> Iterator[Callable[..., int]]:
    """Listen in a pod, or on the node: `listening(netns, address, port)` returns the port. The kernel accepts."""
    sockets: list[socket.socket] = []

    def listen(netns: str, address: str = "0.0.0.0", port: int = 0) -> int:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET

        def create() -> socket.socket:
            return socket.create_server((address, port), family=family)

        server = run_in_netns(netns, create) if netns else create()
        sockets.append(server)
        number: int = server.getsockname()[1]
        return number

    yield listen
    for server in sockets:
        server.close()
