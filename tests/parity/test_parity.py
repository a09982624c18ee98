"""One declaration, two provisioners: every file that both would write has the same bytes."""

import configparser
from typing import Any

import pytest

from orlop.node.declaring import declare
from tests.parity import matrix, sides
from tests.parity.__main__ import with_plugins
from tests.parity.comparing import difference

pytestmark = pytest.mark.timeout(600)  # a whole matrix, by two programs that are slow to start
DECLARATIONS = {name: with_plugins(data) for name, data in matrix.declarations().items()}


@pytest.fixture(scope="module")
def ansible(tmp_path_factory: pytest.TempPathFactory) -> dict[str, sides.Files]:
    return sides.ansible(DECLARATIONS, tmp_path_factory.mktemp("parity") / "ansible")


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, sides.Files], dict[str, Any]]:
    return sides.nix_module(DECLARATIONS, tmp_path_factory.mktemp("parity"))


def test_every_file_is_the_same(
    ansible: dict[str, sides.Files], module: tuple[dict[str, sides.Files], dict[str, Any]]
) -> None:
    found = "".join(difference(name, ansible[name], module[0][name]) for name in DECLARATIONS)
    assert found == "", f"\n{found}"


def test_the_module_says_what_was_declared(module: tuple[dict[str, sides.Files], dict[str, Any]]) -> None:
    for name, data in DECLARATIONS.items():
        assert declare(module[1][name]) == declare(_said(data)), name


def test_the_matrix_reaches_every_kind_of_file(ansible: dict[str, sides.Files]) -> None:
    paths = {path for files in ansible.values() for path in files}
    assert {
        "/etc/cni/net.d/10-orlop.conflist",
        "/etc/cni/other.d/10-orlop.conflist",
        "/etc/crictl.yaml",
        "/etc/kubernetes/kubelet.conf.d/10-orlop.conf",
        "/etc/kubernetes/orlop/kubeadm-init.yaml",
        "/etc/kubernetes/orlop/kubeadm-join.yaml",
        "/etc/kubernetes/orlop/runtime-classes.yaml",
        "/etc/modules-load.d/orlop.conf",
        "/etc/orlop/network/cilium.yaml",
        "/etc/orlop/network/flannel.yaml",
        "/etc/orlop/network/weave.yaml",
        "/etc/orlop/orlop.toml",
        "/etc/sysctl.d/60-orlop.conf",
        "/etc/systemd/system/kubelet.service",
        "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
        "/etc/systemd/system/orlop.service",
    } <= paths
    minors = {data["kubernetes"] for data in DECLARATIONS.values()}
    assert len(minors) >= 3 and len(DECLARATIONS) >= 15


def test_the_units_keep_pods_alive_on_both(
    ansible: dict[str, sides.Files], module: tuple[dict[str, sides.Files], dict[str, Any]]
) -> None:
    for side in (ansible, module[0]):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]  # configparser's documented way to keep case
        unit.read_string(side["node-0"]["/etc/systemd/system/orlop.service"])
        wanted = {"Type": "notify", "KillMode": "process", "Delegate": "yes", "OOMScoreAdjust": "-999"}
        assert {name: unit["Service"][name] for name in wanted} == wanted


def test_a_difference_is_readable() -> None:
    text = difference("n", {"/a": "x\ny\n", "/b": "1", "/e": "1\n"}, {"/a": "x\nz\n", "/c": "1", "/e": "1\r\n"})
    assert "n: only Ansible writes /b\nn: only Nix writes /c\n" in text
    assert "--- ansible n /a\n+++ nix n /a\n" in text and "-y\n+z\n" in text
    assert "/e" in text


def _said(data: dict[str, Any]) -> dict[str, Any]:
    """Without sections that say nothing, which the module leaves out."""
    daemon = {name: value for name, value in data["daemon"].items() if value != {}}
    return {**data, "daemon": daemon}
