"""The filters that hand declarations to the package."""

from pathlib import Path

import pytest

from tests.unit.plugins.conftest import ROOT, load


def test_a_plan_is_plain_data() -> None:
    plan = load("filter.node").plan({"kubernetes": "1.36"})
    assert plan["programs"] == [{"name": "crun", "path": ""}, {"name": "runc", "path": ""}]
    assert [file["path"] for file in plan["files"]["network"]] == ["/etc/cni/net.d/10-orlop.conflist"]
    assert plan["directories"]["leases"] == "/var/lib/cni/networks/orlop"
    assert {"bridge", "host-local", "loopback", "portmap"} == set(plan["plugins"])


class Tagged(str):
    """As Ansible hands over strings: a subclass, which msgspec does not encode."""


def test_ansibles_own_kinds_of_values_are_taken() -> None:
    data = {Tagged("kubernetes"): Tagged("1.35"), "daemon": {"daemon": {Tagged("log_level"): Tagged("debug")}}}
    files = load("filter.node").plan(data)["files"]["daemon"]
    assert any('log_level = "debug"' in file["content"] for file in files)


def test_what_json_cannot_say_is_refused() -> None:
    errors = pytest.importorskip("ansible.errors")
    with pytest.raises(errors.AnsibleFilterError, match="is wrong"):
        load("filter.node").plan({"kubernetes": {1, 2}})


def test_a_wrong_name_tells_the_right_one() -> None:
    errors = pytest.importorskip("ansible.errors")
    with pytest.raises(errors.AnsibleFilterError, match="did you mean network"):
        load("filter.node").plan({"netwrok": {}})


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (["orlop_nodes"], ["orlop_node"]),
        (["orlop_node", "orlop_nodes", "orlop_node_common"], []),
        (["orlop_kubernetes_instal", "orlop_bundel"], ["orlop_bundle", "orlop_kubernetes_install"]),
        (["orlop_bundled", "orlop_wheel_dir", "orlop_look", "orlop_upgrade", "orlop_node_common"], []),
    ],
)
def test_a_declaration_under_another_name_is_told(names: list[str], meant: list[str]) -> None:
    """It would be none: a node of defaults, and nobody would know."""
    told = load("filter.node").misnamed(names)
    assert [sentence.rpartition("mean ")[2] for sentence in told] == [f"{each}?" for each in meant]


def test_the_source_id_follows_what_is_built(tmp_path: Path) -> None:
    source_id = load("filter.node").source_id
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime/a.py").write_text("1")
    first = source_id(tmp_path)
    (tmp_path / "runtime/made_pb2.py").write_text("generated")
    (tmp_path / "docs.md").write_text("not built from")
    assert source_id(tmp_path) == first
    (tmp_path / "runtime/a.py").write_text("2")
    assert source_id(tmp_path) != first
    assert len(source_id(ROOT)) == 12


def test_the_first_control_plane_is_the_one_that_is_declared() -> None:
    errors, first = pytest.importorskip("ansible.errors"), load("filter.node").first_control_plane
    plane, other = ({"member": {"role": "control_plane", "first": each}} for each in (True, False))
    worker = {"member": {"role": "worker"}}
    assert first({"a": worker, "b": plane, "c": other, "d": {}, "e": None}) == "b"
    with pytest.raises(errors.AnsibleFilterError, match=r"a, b each declare .* member\.first to false"):
        first({"a": plane, "b": {"member": {"role": "control_plane"}}})
    with pytest.raises(errors.AnsibleFilterError, match="no host of the inventory declares"):
        first({"a": worker, "b": other})
