"""Packages of RHEL's family, and SELinux's contexts: rpm, dnf, semanage and restorecon are scripts that record.

The real ones were not run: no machine of the tests is of that family.
"""

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.plugins.conftest import ROOT, load

RELEASES = {
    'ID="rocky"\nID_LIKE="rhel centos fedora"\n': "redhat",
    "ID=rhel\n": "redhat",
    "ID=fedora\n": "redhat",
    "ID=debian\n": "debian",
    "ID=ubuntu\nID_LIKE=debian\n": "debian",
}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of RHEL's family, with the package base."""
    (tmp_path / "installed").write_text("base\n")
    (tmp_path / "bin").mkdir()
    script(tmp_path, "rpm", f"cat {tmp_path}/installed")
    script(tmp_path, "dnf", f'echo "$*" >> {tmp_path}/log; printf "conmon\\nglib2\\n" >> {tmp_path}/installed')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    make = load("module_utils.record").Record
    for module in ("packages", "selinux"):
        monkeypatch.setattr(load(f"modules.{module}"), "Record", lambda: make(str(tmp_path / "node")))
    redhat = load("module_utils.redhat")
    monkeypatch.setattr(load("module_utils.distribution"), "packages", lambda: redhat)
    monkeypatch.setattr(redhat, "versions", lambda names: {})
    return tmp_path


def script(machine: Path, name: str, text: str) -> None:
    (machine / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
    (machine / "bin" / name).chmod(0o755)


@pytest.mark.parametrize(("release", "family"), RELEASES.items())
def test_a_machine_is_of_the_family_that_it_says(tmp_path: Path, release: str, family: str) -> None:
    (tmp_path / "os-release").write_text(f"NAME=x\n{release}")
    found = load("module_utils.distribution").packages(str(tmp_path / "os-release"))
    assert found is load(f"module_utils.{family}")


def test_debians_names_become_the_familys_and_what_came_is_recorded(machine: Path) -> None:
    result: dict[str, Any] = load("modules.packages").converge(["base", "conmon", "iptables", "python3-venv"], False)
    assert result["missing"] == ["conmon", "iptables-nft"]
    assert (machine / "log").read_text().split()[-2:] == ["conmon", "iptables-nft"]
    assert load("module_utils.record").Record(str(machine / "node")).packages == ["conmon", "glib2"]


def test_dnfs_own_words_are_told(machine: Path) -> None:
    script(machine, "dnf", "echo 'No match for argument' >&2; exit 1")
    with pytest.raises(load("module_utils.redhat").PackageError, match="No match for argument"):
        load("modules.packages").converge(["conmon"], False)


def test_what_rhel_10_has_no_more_is_brought_by_digest(machine: Path) -> None:
    script(machine, "dnf", "echo 'No match for argument: runc' >&2; exit 1")
    with pytest.raises(load("module_utils.redhat").PackageError) as caught:
        load("modules.packages").converge(["conmon", "runc", "containernetworking-plugins"], False)
    assert "No match for argument: runc" in str(caught.value)
    assert "artefacts: {cni-plugins: {}, runc: {}}" in str(caught.value)


SAME_NAMES = {"ca-certificates", "catatonit", "conmon", "container-selinux", "containernetworking-plugins", "crun"}
SAME_NAMES |= {"ethtool", "nftables", "policycoreutils-python-utils", "python3.12", "runc", "zstd"}


def test_every_package_that_a_role_names_is_known_by_the_familys_name() -> None:
    """iproute2 and mount were not: dnf knows neither, so that no member of a cluster could be made."""
    named = set(load("module_utils.redhat").NAMES) | SAME_NAMES
    for path in sorted((ROOT / "roles").glob("*/defaults/main.yml")):
        for name, value in yaml.safe_load(path.read_text()).items():
            packages = value.values() if isinstance(value, dict) else value
            if name.endswith("_packages") and isinstance(value, list | dict):
                assert set(packages) <= named, (path, name)
    assert load("module_utils.redhat").named(["iproute2", "mount"]) == ["iproute", "util-linux"]


TYPES = {"/opt/orlop/[^/]+/orlopd": "container_runtime_exec_t"}


def contexts(machine: Path, *, check: bool = False, known: str = "/var/lib/containers") -> dict[str, Any]:
    like = {str(machine / "lib"): known}
    result: dict[str, Any] = load("modules.selinux").converge(like, TYPES, [str(machine / "bin")], check)
    return result


def enforcing(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "lib").mkdir()
    monkeypatch.setattr(load("module_utils.contexts"), "mode", lambda: "enforcing")
    script(machine, "semanage", f'echo "$*" >> {machine}/log')
    script(machine, "restorecon", f'echo "restorecon $*" >> {machine}/log')


def test_selinux_is_told_once_and_labels_what_is_there(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforcing(machine, monkeypatch)
    assert contexts(machine)["changed"]
    said = (machine / "log").read_text().splitlines()
    assert f"fcontext -a -e /var/lib/containers {machine}/lib" in said
    assert "fcontext -a -t container_runtime_exec_t /opt/orlop/[^/]+/orlopd" in said
    assert said[-1] == f"restorecon -R -v {machine}/lib {machine}/bin"
    assert contexts(machine) == {"changed": False, "mode": "enforcing"}
    # Layers of images are not walked again.
    assert (machine / "log").read_text().splitlines()[len(said) :] == [f"restorecon -R -v {machine}/bin"]


def test_another_place_is_said_instead_of_the_one_before(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforcing(machine, monkeypatch)
    contexts(machine)
    (machine / "log").unlink()
    assert contexts(machine, known="/var/lib/containers/storage/overlay")["changed"]
    assert (machine / "log").read_text().splitlines() == [
        f"fcontext -d -e /var/lib/containers {machine}/lib",
        f"fcontext -a -e /var/lib/containers/storage/overlay {machine}/lib",
        f"restorecon -R -v {machine}/lib {machine}/bin",
    ]


def test_it_is_taken_back(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforcing(machine, monkeypatch)
    contexts(machine)
    record = load("module_utils.record").Record(str(machine / "node"))
    load("module_utils.removal").Removal(record, cgroup_root=str(machine / "none")).carry_out()
    assert f"fcontext -d -e /var/lib/containers {machine}/lib" in (machine / "log").read_text()


def test_without_selinux_nothing_is_done(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load("module_utils.contexts"), "ENFORCE", "/nowhere")
    assert load("module_utils.contexts").mode("/nowhere") == ""
    monkeypatch.setattr(load("module_utils.contexts"), "mode", lambda: "")
    assert contexts(machine) == {"changed": False, "mode": ""} and not (machine / "node").exists()


def test_check_mode_only_asks(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforcing(machine, monkeypatch)
    assert contexts(machine, check=True)["changed"]
    assert (machine / "log").read_text() == f"restorecon -R -v -n {machine}/lib {machine}/bin\n"


def test_a_missing_command_names_its_package(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enforcing(machine, monkeypatch)
    (machine / "bin" / "semanage").unlink()
    monkeypatch.setenv("PATH", f"{machine}/bin")
    with pytest.raises(load("module_utils.contexts").ContextError, match="policycoreutils-python-utils"):
        contexts(machine)


def test_modules_are_written_for_the_python_of_rhel_9() -> None:
    """Ansible runs them with the machine's own Python, which is 3.9 there."""
    for path in sorted((ROOT / "plugins" / "modules").glob("*.py")) + sorted(
        (ROOT / "plugins" / "module_utils").glob("*.py")
    ):
        ast.parse(path.read_text(), str(path), feature_version=(3, 9))
