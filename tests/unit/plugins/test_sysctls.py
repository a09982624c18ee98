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


def converge(values: dict[str, Any], *, check: bool = False, exclusive: bool = False) -> dict[str, Any]:
    result: dict[str, Any] = load("modules.sysctls").converge(values, check, exclusive)
    return result


def test_it_is_set_and_remembered_and_restored(kernel: Path, tmp_path: Path) -> None:
    assert converge({"net.ipv4.ip_forward": 1})["changed"]
    assert (kernel / "net/ipv4/ip_forward").read_text() == "1\n"
    assert not converge({"net.ipv4.ip_forward": 1})["changed"]
    record = load("module_utils.record").Record(str(tmp_path / "node"))
    load("module_utils.removal").Removal(
        record, sysctl_root=str(kernel), cgroup_root=str(tmp_path / "cgroup")
    ).carry_out()
    assert (kernel / "net/ipv4/ip_forward").read_text() == "0\n"


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


def test_an_empty_value_is_written_with_its_line_end(kernel: Path, tmp_path: Path) -> None:
    # /proc/sys takes a write of no byte at all for no write: the parameter would keep its value.
    (kernel / "kernel/ports").write_text("\n")
    converge({"kernel.ports": "1 2"})
    record = load("module_utils.record").Record(str(tmp_path / "node"))
    load("module_utils.removal").Removal(
        record, sysctl_root=str(kernel), cgroup_root=str(tmp_path / "cgroup")
    ).carry_out()
    assert (kernel / "kernel/ports").read_text() == "\n"


def test_a_parameter_that_is_no_longer_declared_gets_its_value_back(kernel: Path, tmp_path: Path) -> None:
    converge({"net.ipv4.ip_forward": "1", "kernel.ports": "3 4"}, exclusive=True)
    assert converge({"net.ipv4.ip_forward": "1"}, check=True, exclusive=True)["diff"]["after"] == "kernel.ports = 1 2\n"
    assert converge({"net.ipv4.ip_forward": "1"}, exclusive=True)["changed"]
    assert (kernel / "kernel/ports").read_text() == "1 2\n"
    assert load("module_utils.record").Record(str(tmp_path / "node")).sysctls == {"net.ipv4.ip_forward": "0"}
    assert not converge({"net.ipv4.ip_forward": "1"}, exclusive=True)["changed"]


def test_others_parameters_stay_where_the_set_is_not_the_whole(kernel: Path) -> None:
    converge({"kernel.ports": "3 4"})
    assert not converge({}, exclusive=False)["changed"]
