"""One look at a machine answers what roles would ask for one by one."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugins.conftest import load


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node with a record; its family's packages are a list."""
    debian = load("module_utils.debian")
    monkeypatch.setattr(debian, "installed", lambda: {"runc", "crun"})
    monkeypatch.setattr(load("module_utils.distribution"), "packages", lambda: debian)
    return tmp_path / "node"


def test_what_is_known_of_a_bare_machine(home: Path) -> None:
    assert load("module_utils.known").known(str(home)) == {
        "parts": [],
        "links": [],
        "packages": ["crun", "runc"],
        "attempted": "",
    }


def test_a_part_with_a_file_is_known(home: Path) -> None:
    record = load("module_utils.record").Record(str(home))
    record.files["/etc/x"] = {"part": "hardening", "sha256": "", "replaced": False}
    record.links["/etc/y"] = "x"
    record.save()
    found = load("module_utils.known").known(str(home))
    assert (found["parts"], found["links"]) == (["hardening"], ["/etc/y"])


def test_another_familys_packages_are_not_told_by_debians_names(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load("module_utils.distribution"), "packages", lambda: load("module_utils.redhat"))
    assert load("module_utils.known").known(str(home))["packages"] == []


def test_the_attempted_declaration_has_the_digest_that_ansible_makes_of_it(home: Path) -> None:
    """Ansible's own filters, as the role preflight uses them; a wrong digest costs only that it is written again."""
    template = pytest.importorskip("ansible.template")
    dataloader = pytest.importorskip("ansible.parsing.dataloader")
    declaration = {"member": {"role": "worker", "taints": []}, "a": [1, 2.5, True, None, "ü"], "kubernetes": "1.37"}
    load("module_utils.history").History(str(home)).attempt("1.37", declaration)
    text = template.trust_as_template("{{ given | to_json(sort_keys=true) | hash('sha256') }}")
    given = {"declaration": declaration, "kubernetes": "1.37"}
    made = template.Templar(loader=dataloader.DataLoader(), variables={"given": given}).template(text)
    assert load("module_utils.known").attempted(str(home / "attempted.json")) == made
    (home / "attempted.json").write_text("{")
    assert load("module_utils.known").attempted(str(home / "attempted.json")) == ""


def test_cgroups_of_either_version(tmp_path: Path) -> None:
    cgroups = load("module_utils.known").cgroups
    assert not cgroups(str(tmp_path))
    (tmp_path / "cgroup.controllers").touch()
    assert cgroups(str(tmp_path))


def test_a_python_that_does_not_run_has_no_version(tmp_path: Path) -> None:
    python = load("module_utils.known").python
    assert python(str(tmp_path / "none")) == python("/bin/false") == ""
    assert python("/usr/bin/python3").startswith("3.")


def release(home: Path, name: str, *, complete: bool, age: float) -> None:
    """A release's directory."""
    directory = home / "releases" / name
    directory.mkdir(parents=True)
    if complete:
        (directory / ".complete").touch()
    os.utime(directory, (age, age))


def test_the_release_and_those_before_it(tmp_path: Path) -> None:
    look = load("modules.release").look
    bare = {"complete": False, "installed": False, "others": [], "links": {"venv": "", "command": ""}}
    assert look(str(tmp_path), str(tmp_path / "orlop"), "c-py3.11") == {"name": "c-py3.11", **bare}
    for name, age in (("a-py3.11", 100.0), ("b-py3.11", 200.0), ("c-py3.11", 50.0)):
        release(tmp_path, name, complete=name != "b-py3.11", age=age)
    (tmp_path / "venv").symlink_to("releases/a-py3.11")
    found = look(str(tmp_path), str(tmp_path / "orlop"), "c-py3.11")
    assert found["complete"] and found["links"] == {"venv": "releases/a-py3.11", "command": ""}
    assert [Path(path).name for path in found["others"]] == ["b-py3.11", "a-py3.11"]
    assert not look(str(tmp_path), str(tmp_path / "orlop"), "b-py3.11")["complete"]


def test_the_release_is_on_record_before_it_is_made(tmp_path: Path) -> None:
    record = load("module_utils.record").Record(str(tmp_path / "node"))
    home = str(tmp_path / "home")
    params: dict[str, Any] = {"home": home, "command": "/usr/local/bin/orlop", "trees": [], "unit": "orlop.service"}
    load("modules.release").note(record, params, "c-py3.11")
    saved = json.loads((tmp_path / "node/record.json").read_text())
    assert saved["links"] == {f"{home}/venv": "releases/c-py3.11", "/usr/local/bin/orlop": f"{home}/venv/bin/orlop"}
    assert saved["trees"] == [f"{home}/incoming", f"{home}/releases"]
    assert (saved["directories"], saved["units"]) == ([home], ["orlop.service"])


def test_a_directory_is_made_mended_and_then_left_alone(tmp_path: Path) -> None:
    make, place = load("modules.record").make, tmp_path / "cni" / "bin"
    assert make([str(place)], True) and not place.exists()
    assert make([str(place)], False) and place.is_dir()
    place.chmod(0o777)
    (difference,) = make([str(place)], False)
    assert "0777" in difference["before"] and make([str(place)], False) == []
