"""Writing rendered files, and the way back: what was written goes, what was there comes back."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.plugins.conftest import ROOT, load


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root for files, with the record beside it."""
    record = load("module_utils.record")
    home = str(tmp_path / "state" / "node")
    make = record.Record
    for name in ("modules.files", "modules.packages", "modules.sysctls"):
        monkeypatch.setattr(load(name), "Record", lambda: make(home))
    (tmp_path / "etc").mkdir()
    return tmp_path


def recorded(node: Path) -> Any:
    return load("module_utils.record").Record(str(node / "state" / "node"))


def removal(node: Path) -> Any:
    return load("module_utils.removal").Removal(
        recorded(node), sysctl_root=str(node / "sys"), cgroup_root=str(node / "cgroup")
    )


def file(path: Path, content: str = "new\n", **more: Any) -> dict[str, Any]:
    return {"path": str(path), "mode": "0644", "content": content, "secret": False, **more}


def write(*files: dict[str, Any], part: str = "host", check: bool = False) -> dict[str, Any]:
    result: dict[str, Any] = load("modules.files").converge(part, list(files), check)
    return result


def test_a_second_run_changes_nothing(node: Path) -> None:
    wanted = file(node / "etc/a/b/c.conf", mode="0600")
    assert write(wanted)["changed"]
    assert (node / "etc/a/b/c.conf").stat().st_mode & 0o777 == 0o600
    assert not write(wanted)["changed"]


def test_check_mode_tells_and_writes_nothing(node: Path) -> None:
    result = write(file(node / "etc/x"), check=True)
    assert result["changed"] and result["diff"][0]["after"] == "new\n"
    assert not (node / "etc/x").exists() and not recorded(node).exists()


def test_a_mode_alone_is_a_change(node: Path) -> None:
    write(file(node / "etc/x"))
    (node / "etc/x").chmod(0o600)
    assert write(file(node / "etc/x"))["diff"] == [
        {
            "before_header": str(node / "etc/x"),
            "after_header": str(node / "etc/x"),
            "before": "mode 0600\n",
            "after": "mode 0644\n",
        }
    ]


def test_a_secret_is_not_in_the_difference(node: Path) -> None:
    result = write(file(node / "etc/x", "password\n", secret=True))
    assert "password\n" not in str(result)


def test_a_file_that_is_no_longer_wanted_goes(node: Path) -> None:
    write(file(node / "etc/x"), file(node / "etc/y"))
    write(file(node / "etc/of-another"), part="network")
    result = write(file(node / "etc/y"))
    assert result["paths"] == [str(node / "etc/x")]
    assert sorted(path.name for path in (node / "etc").iterdir()) == ["of-another", "y"]


def test_undo_takes_away_what_was_written_and_no_more(node: Path) -> None:
    (node / "etc/theirs").write_text("old\n")
    (node / "etc/shared").mkdir()
    write(file(node / "etc/theirs"), file(node / "etc/shared/ours"), file(node / "etc/own/dir/ours"))
    (node / "etc/shared/of-another").touch()
    undone = removal(node)
    undone.carry_out()
    assert (node / "etc/theirs").read_text() == "old\n"
    assert undone.restored == [str(node / "etc/theirs")]
    assert sorted(path.name for path in (node / "etc").rglob("*")) == ["of-another", "shared", "theirs"]
    assert not (node / "state").exists()


def test_a_file_that_someone_changed_is_kept_aside(node: Path) -> None:
    write(file(node / "etc/x"))
    (node / "etc/x").write_text("edited\n")
    undone = removal(node)
    undone.carry_out()
    assert undone.kept == [str(node / "etc/x.kept")]
    assert (node / "etc/x.kept").read_text() == "edited\n" and not (node / "etc/x").exists()


def test_a_replaced_file_comes_back_when_ours_is_no_longer_wanted(node: Path) -> None:
    (node / "etc/x").write_text("old\n")
    write(file(node / "etc/x"))
    write()
    assert (node / "etc/x").read_text() == "old\n"


def test_a_tree_is_ours_only_if_nobody_else_was_there(node: Path) -> None:
    record = recorded(node)
    (node / "data").mkdir()
    (node / "data/precious").touch()
    assert not record.add_tree(str(node / "data"))
    assert record.add_tree(str(node / "new"))
    record.save()
    (node / "new").mkdir()
    (node / "new/state").touch()
    removal(node).carry_out()
    assert (node / "data/precious").exists() and not (node / "new").exists()


def test_what_a_networks_agent_leaves_goes_with_the_directories_that_were_made_for_it(node: Path) -> None:
    said = yaml.safe_load((ROOT / "roles/cni_network/vars/main.yml").read_text())["_cni_network_agents"]["flannel"]
    own, cni = [f"{node}{path}" for path in said["trees"]], node / "var/lib/cni"
    record = recorded(node)
    empty: dict[str, Any] = {"trees": [], "links": {}, "interfaces": [], "made": [], "units": []}
    load("modules.record").note(record, {**empty, "own": own, "directories": [str(cni), str(cni / "networks")]})
    record.save()
    # Where flannel's plugin and host-local, for the network of flannel's conflist, keep their state by default.
    for left in ("run/flannel/subnet.env", "var/lib/cni/flannel/4f1d", "var/lib/cni/networks/cbr0/10.244.1.9"):
        (node / left).parent.mkdir(parents=True, exist_ok=True)
        (node / left).touch()
    # A later run finds all that in place, which makes it nobody else's.
    load("modules.record").note(record, {**empty, "own": own, "directories": [str(cni)]})
    record.save()
    removal(node).carry_out()
    assert not cni.exists() and not (node / "run/flannel").exists()


def test_a_tree_with_a_mount_is_refused_before_anything_goes(node: Path) -> None:
    record = recorded(node)
    record.add_tree(str(node / "run"))
    record.save()
    (node / "run").mkdir()
    (node / "mountinfo").write_text(f"31 30 0:27 / {node}/run/pod/rootfs rw - overlay overlay rw\n")
    module = load("module_utils.removal")
    undone = module.Removal(recorded(node), mounts=str(node / "mountinfo"), cgroup_root="")
    with pytest.raises(module.Refused, match="still mounted"):
        undone.check()
    assert (node / "run").is_dir()


def test_a_link_goes_only_while_it_is_ours(node: Path) -> None:
    record = recorded(node)
    record.links = {str(node / "ours"): "/opt/x", str(node / "taken-over"): "/opt/x"}
    record.save()
    (node / "ours").symlink_to("/opt/x")
    (node / "taken-over").symlink_to("/opt/y")
    removal(node).carry_out()
    assert not (node / "ours").is_symlink() and (node / "taken-over").is_symlink()


def test_a_record_of_a_later_format_is_not_guessed_at(node: Path) -> None:
    (node / "state/node").mkdir(parents=True)
    (node / "state/node/record.json").write_text('{"format": 99}')
    with pytest.raises(ValueError, match="does not know"):
        recorded(node)


def test_the_daemons_empty_cgroups_go(node: Path) -> None:
    write(file(node / "etc/x"))
    (node / "cgroup/system.slice/orlop-monitor").mkdir(parents=True)
    (node / "cgroup/orlop/of-a-pod").mkdir(parents=True)
    removal(node).carry_out()
    assert sorted(path.name for path in (node / "cgroup").rglob("*")) == ["of-a-pod", "orlop", "system.slice"]
