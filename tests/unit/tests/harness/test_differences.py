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
        assert function.partition("[")[0] in _tests(file), name
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


def test_one_case_of_a_test_may_differ_and_a_known_version_must_fail() -> None:
    node = "tests/integration/streaming/test_exec.py::test_a_client_that_vanishes_leaves_no_process[{}-runc]"
    known = differences.VERSIONS["containerd"]
    failing = differences.expected("containerd", node.format("setsid sleep 5555 & sleep 5555"), known)
    assert failing is not None and failing.kwargs["strict"]
    assert differences.expected("containerd", node.format("sleep 5555"), known) is None
    older = differences.expected("containerd", node.format("setsid sleep 5555 & sleep 5555"), "1.6.20")
    assert older is not None and not older.kwargs["strict"]


def test_the_version_is_the_programs_own(tmp_path: Path) -> None:
    for number, said in enumerate(("containerd github.com/containerd/containerd/v2 v2.4.2 abc", "crio version 2.4.2")):
        program = tmp_path / f"peer{number}"
        program.write_text(f"#!/bin/sh\necho '{said}'\n")
        program.chmod(0o755)
        assert differences.version_of("peer", str(program)) == "2.4.2"
    assert differences.version_of("", "") == ""


def test_only_what_is_wanting_excuses() -> None:
    assert excuse("StreamImages", "UNIMPLEMENTED", "") == "the runtime does not have StreamImages"
    assert "too old" in excuse("RunPodSandbox", "UNKNOWN", "OCI runtime create failed: unknown version specified")
    assert excuse("RunPodSandbox", "UNKNOWN", "failed to create containerd task") == ""
