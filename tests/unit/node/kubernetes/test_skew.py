"""Steps to another version that a cluster can take, and those that it cannot."""

from typing import Any

import pytest

from orlop.node.kubernetes.skew import parse, problems


def asked(target: str, server: str = "v1.36.3", role: Any = "control_plane", **kubelets: str) -> str:
    return "; ".join(problems(target, role=role, server=server, node="a", kubelets=kubelets or {"a": server}))


@pytest.mark.parametrize("target", ["1.36.3", "1.36.4", "1.37.2"])
def test_a_control_plane_goes_on_to_a_patch_or_the_next_minor(target: str) -> None:
    assert asked(target) == ""


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("1.38.0", "one minor at a time: declare kubernetes 1.37 first, not 1.38"),
        ("1.35.4", "a member never goes back"),
        ("1.36.2", "the cluster runs 1.36.3, and never goes back to 1.36.2"),
    ],
)
def test_a_control_plane_takes_no_other_step(target: str, told: str) -> None:
    assert told in asked(target)


def test_a_control_plane_waits_for_kubelets_that_would_be_too_old() -> None:
    assert "b has kubelet 1.33.9, more than 3 minors older than 1.37.0" in asked("1.37.0", a="v1.36.3", b="v1.33.9")
    assert asked("1.37.0", a="v1.36.3", b="v1.34.0") == ""


def test_a_kubelet_is_never_newer_than_the_api_server() -> None:
    assert "upgrade the control planes first" in asked("1.37.2", role="worker")
    assert asked("1.36.9", role="worker") == "", "patches of one minor may differ"
    assert asked("1.37.2", "v1.37.2", "worker", a="v1.36.3") == ""


def test_a_worker_never_goes_back() -> None:
    assert "a runs 1.36.3" in asked("1.36.1", role="worker")


def test_versions_of_builds_are_read() -> None:
    assert parse("v1.37.2-rc.1+dirty") == (1, 37, 2)
    with pytest.raises(ValueError):
        parse("latest")
