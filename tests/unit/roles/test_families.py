"""What roles take differently on each family of distributions, by Ansible's own evaluation of their variables.

No machine of the tests is of RHEL's family: its roles were not run there.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[3] / "roles"
FAMILIES = {
    "debian 12": ("Debian", "12", "/usr/bin/python3", ["ca-certificates", "python3-venv"]),
    "debian 13": ("Debian", "13", "/usr/bin/python3", ["ca-certificates", "python3-venv"]),
    "ubuntu 24.04": ("Debian", "24", "/usr/bin/python3", ["ca-certificates", "python3-venv"]),
    "ubuntu 26.04": ("Debian", "26", "/usr/bin/python3", ["ca-certificates", "python3-venv"]),
    "rocky 9": ("RedHat", "9", "/usr/bin/python3.12", ["ca-certificates", "python3-venv", "python3.12"]),
    "rocky 10": ("RedHat", "10", "/usr/bin/python3", ["ca-certificates", "python3-venv"]),
}


def variables(role: str) -> dict[str, Any]:
    """Defaults and variables of a role, as text."""
    found: dict[str, Any] = {}
    for kind in ("defaults", "vars"):
        path = ROLES / role / kind / "main.yml"
        found |= yaml.safe_load(path.read_text()) if path.is_file() else {}
    return found


def evaluated(role: str, name: str, family: str, major: str) -> Any:
    """A variable on a machine of the family."""
    template = pytest.importorskip("ansible.template")
    dataloader = pytest.importorskip("ansible.parsing.dataloader")
    values = {key: trusted(value) for key, value in variables(role).items()}
    values["ansible_facts"] = {"os_family": family, "distribution_major_version": major}
    return template.Templar(loader=dataloader.DataLoader(), variables=values).template(values[name])


def trusted(value: Any) -> Any:
    """Ansible evaluates only text that it read itself, or that is said to be as good."""
    template = pytest.importorskip("ansible.template")
    return template.trust_as_template(value) if isinstance(value, str) else value


@pytest.mark.parametrize(("family", "major", "python", "packages"), FAMILIES.values(), ids=FAMILIES)
def test_each_has_a_python_that_is_new_enough(family: str, major: str, python: str, packages: list[str]) -> None:
    for role, name in (("preflight", "preflight_python"), ("orlop", "orlop_python")):
        assert evaluated(role, name, family, major) == python
    assert evaluated("orlop", "orlop_packages", family, major) == packages
    assert evaluated("preflight", "_preflight_python_comes", family, major) is (python == "/usr/bin/python3.12")


def test_selinux_is_told_of_places_by_their_names() -> None:
    (task,) = (
        each["orlop.node.selinux"]
        for each in yaml.safe_load((ROLES / "orlop" / "tasks" / "selinux.yml").read_text())
        if "orlop.node.selinux" in each
    )
    template = pytest.importorskip("ansible.template")
    dataloader = pytest.importorskip("ansible.parsing.dataloader")
    values = {"_orlop_home": "/opt/orlop", "_orlop_plan": {"directories": {"root": "/var/x", "state": "/run/x"}}}
    templar = template.Templar(loader=dataloader.DataLoader(), variables=values)
    assert {name: templar.template(trusted(task[name])) for name in ("like", "types")} == {
        "like": {"/var/x": "/var/lib/containers/storage/overlay", "/run/x": "/run/containers"},
        "types": {"/opt/orlop/releases/[^/]+/bin/orlopd": "container_runtime_exec_t"},
    }
