"""What users' own tools say of the runtime: test.sh builds them from tests/conformance/go.mod; they get a node."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.images import busybox_image
from tests.harness import leaks, privacy
from tests.harness.node import Node
from tests.parts.registry import Registry


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    if not privacy.entered():
        pytest.skip("needs root: the node under test lives in a network namespace of its own")
    before = leaks.take()
    yield
    lines = leaks.settle(before)
    assert not lines, "the machine has changed:\n" + "\n".join(lines)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """Debian's registry server on loopback."""
    with Registry(tmp_path / "registry") as registry:
        yield registry


@pytest.fixture
def image(registry: Registry) -> str:
    """Reference of a busybox image that the registry has."""
    return registry.push(busybox_image(), "busybox:1")


@pytest.fixture
def node(registry: Registry) -> Iterator[Node]:
    """A node that may pull from the registry."""
    assert shutil.which("runc"), "runc is not installed"
    with Node({"registries": {registry.host: {"plain_http": True}}}) as node:
        node.start()
        yield node
