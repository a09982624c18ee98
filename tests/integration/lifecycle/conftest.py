"""The node that the CRI behaviour suite talks to: one daemon for the run, or a peer (tests.harness.foreign)."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.images import Link, busybox_image
from tests.harness import leaks
from tests.harness.cri import Cri
from tests.harness.foreign import ENDPOINT, FOREIGN, NO_OWN_DAEMON
from tests.harness.node import Node
from tests.harness.pods import Pods
from tests.parts import peer
from tests.parts.registry import Registry

POD_CIDR = "10.1.0.0/24"
HANDLERS = ("runc", "crun", "shim-runc")

each_handler = pytest.mark.parametrize("handler", HANDLERS, indirect=True)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Debian's registry server on loopback."""
    with Registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(scope="session")
def image(request: pytest.FixtureRequest) -> str:
    """Reference of a busybox image that a registry has."""
    if ENDPOINT:
        return os.environ["ORLOP_TEST_IMAGE"]
    registry: Registry = request.getfixturevalue("registry")
    return registry.push(busybox_image(extra={"escape": Link("/tmp")}), "busybox:1")


@pytest.fixture(scope="session")
def new_node(registry: Registry, image: str) -> Callable[..., Node]:
    """Makes nodes that may pull from the registry; the caller starts and closes them."""

    def make(**config: object) -> Node:
        if FOREIGN:
            pytest.skip(NO_OWN_DAEMON)
        return Node({"registries": {registry.host: {"plain_http": True}}, **config})

    return make


@pytest.fixture(scope="session")
def node(new_node: Callable[..., Node], image: str) -> Iterator[Node]:
    """The run's node, with the image pulled and its bridge up."""
    with new_node() as node:
        node.start()
        node.cri("PullImage", image={"image": image})
        # The pods' addresses of this node are remembered for good, and the first pod makes what plugins keep: the
        # bridge, base chains, the lease directory.
        node.cri("UpdateRuntimeConfig", runtime_config={"network_config": {"pod_cidr": POD_CIDR}})
        warm = Pods(node.cri, image, node.logs)
        warm.run(port_mappings=[{"container_port": 80, "host_port": 18000}]).start()
        warm.remove_all()
        leaks.watched.extend(node.files())
        yield node
        for path in node.files():
            leaks.watched.remove(path)


@pytest.fixture
def own_node(new_node: Callable[..., Node], image: str) -> Iterator[Node]:
    """A node for one test, which may kill it or break it; started, with the image pulled."""
    with new_node() as node:
        node.start()
        node.cri("PullImage", image={"image": image})
        yield node


@pytest.fixture(scope="session")
def cri(request: pytest.FixtureRequest) -> Iterator[Cri]:
    """A connection to the runtime under test."""
    if ENDPOINT:
        cri = Cri(ENDPOINT)
        yield cri
        cri.close()
    elif FOREIGN:
        with peer.running(request.getfixturevalue("image"), request.getfixturevalue("registry")) as target:
            yield target.cri
    else:
        yield request.getfixturevalue("node").cri


@pytest.fixture(scope="session")
def pulled(cri: Cri, image: str) -> str:
    """The image, present on the node."""
    cri("PullImage", image={"image": image})
    return image


@pytest.fixture
def handler(request: pytest.FixtureRequest) -> str:
    """The runtime handler of the test's pods; "" is the default one."""
    name: str = getattr(request, "param", "")
    if name and FOREIGN:
        known = [item.name for item in request.getfixturevalue("cri")("Status").runtime_handlers]
        if name not in (known or ("runc", "crun")):  # an old one does not tell its handlers
            pytest.skip(f"the runtime has no handler {name!r}")
    return name


@pytest.fixture
def pods(cri: Cri, pulled: str, handler: str) -> Iterator[Pods]:
    """Pods of this test, removed after it."""
    with tempfile.TemporaryDirectory(prefix="orlop-logs-", dir="/tmp") as logs:
        pods = Pods(cri, pulled, Path(logs), handler)
        yield pods
        pods.remove_all()


@pytest.fixture
def own_pods(own_node: Node, image: str, handler: str) -> Iterator[Pods]:
    """Pods on the test's own node."""
    pods = Pods(own_node.cri, image, own_node.logs, handler)
    yield pods
    if own_node.pid:
        pods.remove_all()
