"""What a machine has that its declaration does not say, on a tree that stands for the machine."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orlop.node.declaring import declare
from orlop.node.differences import Difference
from orlop.node.drift import drift
from orlop.node.plan import Plan, plan

PASSWORD = "hunter2"
WANTED = plan(declare({"daemon": {"registries": {"r.example": {"username": "u", "password": PASSWORD}}}}))


def machine(root: Path, wanted: Plan, *, systemd: bool = True) -> None:
    """A tree that is wholly as planned."""
    for file in (file for part in wanted.files.values() for file in part):
        path = root / file.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
        path.chmod(int(file.mode, 8))
    for name, value in wanted.sysctls.items():
        path = root / "proc/sys" / name.replace(".", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")
    (root / "proc/filesystems").write_text("nodev\tproc\nnodev\toverlay\n")
    if systemd:
        (root / "run/systemd/system").mkdir(parents=True)


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A machine as declared."""
    machine(tmp_path, WANTED)
    return tmp_path


def test_a_node_as_declared(node: Path) -> None:
    # br_netfilter shows itself by its parameters, overlay as a file system.
    assert drift(WANTED, root=str(node)) == []


Breaking = Callable[[Path], object]


@pytest.mark.parametrize(
    ("breaking", "difference"),
    [
        (lambda root: (root / "etc/crictl.yaml").unlink(), ("file", "/etc/crictl.yaml", "there", "missing")),
        (
            lambda root: (root / "etc/cni/net.d/10-orlop.conflist").write_text("{}"),
            ("file", "/etc/cni/net.d/10-orlop.conflist", "as rendered", "changed"),
        ),
        (
            lambda root: (root / "etc/orlop/orlop.toml").chmod(0o644),
            ("file", "/etc/orlop/orlop.toml", "mode 0600", "mode 0644"),
        ),
        (
            lambda root: (root / "proc/sys/net/ipv4/ip_forward").write_text("0\n"),
            ("sysctl", "net.ipv4.ip_forward", "1", "0"),
        ),
        (
            lambda root: (root / "proc/sys/kernel/panic").unlink(),
            ("sysctl", "kernel.panic", "10", "not there (No such file or directory)"),
        ),
        (
            lambda root: (root / "proc/filesystems").write_text("nodev\tproc\n"),
            ("module", "overlay", "loaded", "not loaded"),
        ),
    ],
)
def test_each_kind_of_difference_is_named(node: Path, breaking: Breaking, difference: tuple[str, ...]) -> None:
    breaking(node)
    kind, name, declared, found = difference
    assert drift(WANTED, root=str(node)) == [Difference(kind=kind, name=name, declared=declared, found=found)]  # type: ignore[arg-type]  # a parameter


def test_tabs_and_blanks_are_one(node: Path) -> None:
    wanted = plan(declare({"host": {"sysctls": {"net.ipv4.ip_local_port_range": "32768 60999"}}}))
    machine(node, wanted, systemd=False)
    (node / "proc/sys/net/ipv4/ip_local_port_range").write_text("32768\t60999\n")
    assert drift(wanted, root=str(node)) == []


def test_what_is_built_into_the_kernel_is_loaded(node: Path) -> None:
    (node / "proc/filesystems").write_text("nodev\tproc\n")
    (node / "lib/modules" / os.uname().release).mkdir(parents=True)
    (node / "lib/modules" / os.uname().release / "modules.builtin").write_text("kernel/fs/overlayfs/overlay.ko\n")
    assert drift(WANTED, root=str(node)) == []


def test_no_secret_is_told(node: Path) -> None:
    (node / "etc/orlop/orlop.toml").write_text("other\n")
    assert PASSWORD not in str(drift(WANTED, root=str(node)))


def test_without_systemd_its_files_are_not_missed(tmp_path: Path) -> None:
    machine(tmp_path, WANTED, systemd=False)
    (tmp_path / "etc/systemd/system/orlop.service").unlink()
    assert drift(WANTED, root=str(tmp_path)) == []
