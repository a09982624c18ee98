"""RuntimeClass objects: the names by which pods ask for the node's handlers. Applying them is kubectl's."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec

from orlop.config.schema import Section

Quantity = Annotated[str, msgspec.Meta(pattern=r"^[0-9]+(\.[0-9]+)?(m|[kMGTPE]i?)?$")]


class RuntimeClass(Section):
    """What the cluster should know of a handler beside its name."""

    overhead: dict[str, Quantity] = {}
    """What a pod takes beyond its containers, by resource: memory and cpu of a virtual machine, for instance."""
    node_selector: dict[str, str] = {}
    """Labels of the nodes that have the handler; pods of the class go there only. Empty: every node has it."""


def runtime_classes(handlers: Iterable[str], facts: Mapping[str, RuntimeClass]) -> list[dict[str, Any]]:
    """One object for each handler, in name order, named as the handler is."""
    return [_object(name, facts.get(name, RuntimeClass())) for name in sorted(handlers)]


def _object(name: str, facts: RuntimeClass) -> dict[str, Any]:
    told: dict[str, Any] = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": name},
        "handler": name,
    }
    if facts.overhead:
        told["overhead"] = {"podFixed": dict(sorted(facts.overhead.items()))}
    if facts.node_selector:
        told["scheduling"] = {"nodeSelector": dict(sorted(facts.node_selector.items()))}
    return told
