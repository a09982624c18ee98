"""Handlers are tested by the fixtures of the lifecycle, on nodes with shims and with several runtimes."""

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

__all__ = ["cri", "handler", "image", "new_node", "node", "own_node", "own_pods", "pods", "pulled", "registry"]
