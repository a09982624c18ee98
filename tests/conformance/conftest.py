"""The node that crictl talks to, and crictl itself, built from its Go module by test.sh."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.crictl import Crictl
from tests.fakes.images import busybox_image
from tests.harness.leakcheck import nothing_left, nothing_left_at_the_end
from tests.harness.node import Node
from tests.parts.registry import Registry
from tests.parts.tools import tool

__all__ = ["nothing_left", "nothing_left_at_the_end"]


@pytest.fixture(scope="session")
def binary() -> Path:
    """crictl."""
    return Path(tool("crictl"))


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry on loopback."""
    with Registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(scope="session")
def image(registry: Registry) -> str:
    """Reference of an image in the registry."""
    return registry.push(busybox_image(), "busybox:crictl")


@pytest.fixture
def crictl(binary: Path, registry: Registry, tmp_path: Path) -> Iterator[Crictl]:
    """crictl at the socket of a daemon of its own."""
    with Node({"registries": {registry.host: {"plain_http": True}}}) as node:
        node.start()
        yield Crictl(binary, node, tmp_path)
