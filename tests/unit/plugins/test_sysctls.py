"""Kernel parameters in a tree that stands for /proc/sys: set, refused, remembered, restored."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugins.conftest import load


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Parameters net.ipv4.ip_forward = 0 and kernel.ports = 1 2."""
    root = tmp_path / "sys"
    for name, value in {"net/ipv4/ip_forward": "0\n", "kernel/ports": "1\t2\n"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(value)
    make = load("module_utils.record").Record
    monkeypatch.setattr(load("modules.sysctls"), "ROOT", str(root))
    monkeypatch.setattr(load("modules.sysctls"), "Record", lambda: make(str(tmp_path / "node")))
    return root


def converge(values: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    result: dict[str, Any] = load("modules.sysctls").converge(values, check)
    return result


def test_it_is_set_and_remembered_and_restored(kernel: Path, tmp_path: Path) -> None:
    assert converge({"net.ipv4.ip_forward": 1})["changed"]
    assert (kernel / "net/ipv4/ip_forward").read_text() == "1"
    assert not converge({"net.ipv4.ip_forward": 1})["changed"]
    record = load("module_utils.record").Record(str(tmp_path / "node"))
    load("module_utils.removal").Removal(
        record, sysctl_root=str(kernel), cgroup_root=str(tmp_path / "cgroup")
    ).carry_out()
    assert (kernel / "net/ipv4/ip_forward").read_text() == "0"


def test_blanks_of_the_kernel_are_no_difference(kernel: Path) -> None:
    assert not converge({"kernel.ports": "1 2"})["changed"]


def test_check_mode_tells_and_sets_nothing(kernel: Path) -> None:
    assert converge({"net.ipv4.ip_forward": "1"}, check=True)["diff"]["after"] == "net.ipv4.ip_forward = 1\n"
    assert (kernel / "net/ipv4/ip_forward").read_text() == "0\n"


def test_what_the_kernel_lacks_is_told_with_the_reason(kernel: Path) -> None:
    result = converge({"net.bridge.bridge-nf-call-iptables": "1"})
    assert not result["changed"]
    assert "does not have it" in result["unavailable"]["net.bridge.bridge-nf-call-iptables"]


def test_a_name_with_slashes_may_hold_dots(kernel: Path) -> None:
    assert load("modules.sysctls").path_of("net/ipv4/conf/eth0.1/forwarding").endswith("conf/eth0.1/forwarding")
