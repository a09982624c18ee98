"""What keeps a machine from being a member of a cluster, each told with what to do."""

import socket
from pathlib import Path

import pytest

from tests.unit.plugins.conftest import load


def test_swap_is_named_with_both_ways_out(tmp_path: Path) -> None:
    swaps = tmp_path / "swaps"
    swaps.write_text("Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n")
    (problem,) = load("modules.suitability").swap(str(swaps))
    assert "/dev/sda2" in problem and "kubelet.failSwapOn: false" in problem


def test_no_swap_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n")
    assert load("modules.suitability").swap(str(tmp_path / "swaps")) == []


def test_cgroup_v1_is_named_with_both_ways_out(tmp_path: Path) -> None:
    (problem,) = load("modules.suitability").hierarchy(str(tmp_path))
    assert "systemd.unified_cgroup_hierarchy=1" in problem and "kubelet.failCgroupV1: false" in problem
    (tmp_path / "cgroup.controllers").write_text("memory pids\n")
    assert load("modules.suitability").hierarchy(str(tmp_path)) == []


def test_a_control_plane_needs_more_than_a_worker(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:        1048576 kB\nMemFree: 1 kB\n")
    size = load("modules.suitability").size
    assert size("worker", str(tmp_path / "meminfo"), 1) == []
    memory, processors = size("control_plane", str(tmp_path / "meminfo"), 1)
    assert "1024 MiB" in memory and "1700" in memory and "1 processor" in processors


@pytest.mark.parametrize(("host", "fits"), [("node-1", True), ("a.b.c", True), ("Node_1", False), ("-a", False)])
def test_the_name_must_fit_a_node(host: str, fits: bool) -> None:
    assert (load("modules.suitability").name(host) == []) == fits


def test_a_taken_port_is_named() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert load("modules.suitability").ports([port]) == [
            f"port {port} is taken: a member of a cluster needs it (ss -ltnp tells by whom)"
        ]
    assert load("modules.suitability").ports([port]) == []


def test_another_runtime_is_told(tmp_path: Path) -> None:
    (tmp_path / "sock").touch()
    told = load("modules.suitability").runtimes({"CRI-O": str(tmp_path / "sock"), "Docker": str(tmp_path / "none")})
    assert told == ["CRI-O runs here too; the kubelet will use orlop"]


def test_a_clock_that_nobody_sets_is_told(tmp_path: Path) -> None:
    clock = load("modules.suitability").clock
    assert clock(str(tmp_path / "no-systemd")) == []
    (tmp_path / "mark").touch()
    assert clock(str(tmp_path), str(tmp_path / "mark")) == []


def test_a_members_version_is_changed_by_an_upgrade_alone() -> None:
    change = load("modules.suitability").change
    assert change("1.36.3", "1.36.3") == change("", "1.37.1") == []
    (told,) = change("1.36.3", "1.37.1")
    assert "runs Kubernetes 1.36.3" in told and "playbooks/upgrade.yml" in told
