"""The table of what peers do in another way, and what excuses a test against a peer."""

import ast
from pathlib import Path

import pytest

from tests.harness import differences
from tests.harness.foreign import excuse

SUITE = Path(__file__).parents[3] / "integration"


def _tests(name: str) -> set[str]:
    """Test functions of a file of the suite."""
    return {
        node.name
        for node in ast.parse((SUITE / (name if "/" in name else f"lifecycle/{name}")).read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("peer", differences.DIFFERENCES)
def test_each_line_names_a_test_and_a_reason(peer: str) -> None:
    for name, reason in {**differences.DIFFERENCES[peer], **differences.HANGING.get(peer, {})}.items():
        file, _, function = name.partition("::")
        assert function in _tests(file), name
        assert reason, name


def test_a_listed_test_is_expected_to_fail_there_and_nowhere_else() -> None:
    node = "tests/integration/lifecycle/test_pods.py::test_a_pod_needs_a_whole_name[uid]"
    mark = differences.expected("containerd", node)
    assert mark is not None
    assert mark.kwargs["reason"].startswith("containerd takes pods without name")
    assert differences.expected("", node) is None
    assert differences.expected("crio", node) is None
    hanging = "tests/integration/lifecycle/test_pods.py::test_twenty_requests_for_one_pod_make_one_pod"
    assert (found := differences.expected("crio", hanging)) is not None
    assert found.name == "skip"
    assert differences.expected("containerd", "tests/integration/lifecycle/test_pods.py::test_other") is None


def test_only_what_is_wanting_excuses() -> None:
    assert excuse("StreamImages", "UNIMPLEMENTED", "") == "the runtime does not have StreamImages"
    assert "too old" in excuse("RunPodSandbox", "UNKNOWN", "OCI runtime create failed: unknown version specified")
    assert excuse("RunPodSandbox", "UNKNOWN", "failed to create containerd task") == ""
