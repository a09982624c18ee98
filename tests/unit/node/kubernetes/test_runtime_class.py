"""RuntimeClass objects of declared handlers."""

from typing import Any

import pytest

from orlop.model.errors import InvalidArgument
from orlop.node.declaring import declare
from orlop.node.render import render

MEMBER = {
    "member": {"role": "control_plane", "first": True},
    "handlers": {"runc": {}, "kata": {"type": "shim", "path": "/opt/kata/bin/containerd-shim-kata-v2"}},
}


def _classes(**changes: Any) -> str:
    files = {file.path: file.content for file in render(declare({**MEMBER, **changes}))}
    return files["/etc/kubernetes/orlop/runtime-classes.yaml"]


def test_each_handler_has_one() -> None:
    text = _classes()
    assert text.count("kind: RuntimeClass") == 2
    assert "handler: kata" in text
    assert "overhead" not in text


def test_overhead_and_nodes_of_a_virtual_machine() -> None:
    facts = {"kata": {"overhead": {"memory": "320Mi", "cpu": "250m"}, "node_selector": {"example.org/kvm": "true"}}}
    text = _classes(runtime_classes=facts)
    assert 'overhead:\n  podFixed:\n    cpu: "250m"\n    memory: "320Mi"\n'.replace('"', "") in text.replace('"', "")
    assert "scheduling:\n  nodeSelector:\n    example.org/kvm: true\n" in text.replace('"', "")
    assert text.count("overhead") == 1


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"gone": {}}, "runtime_classes.gone: there is no handler 'gone'"),
        ({"kata": {"overhead": {"memory": "much"}}}, "runtime_classes.kata.overhead"),
        ({"kata": {"node": {}}}, "runtime_classes.kata"),
    ],
)
def test_mistakes_are_named(facts: Any, why: str) -> None:
    with pytest.raises(InvalidArgument, match=why.replace(".", r"\.")):
        _classes(runtime_classes=facts)
