"""RuntimeClass objects: the names by which pods ask for the node's handlers. Applying them is kubectl's."""

from collections.abc import Iterable
from typing import Any


def runtime_classes(handlers: Iterable[str]) -> list[dict[str, Any]]:
    """One object for each handler, in name order, named as the handler is."""
    return [
        {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": name}
        for name in sorted(handlers)
    ]
