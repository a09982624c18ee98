"""Which file of the directory is the network, and what becomes of malformed ones."""

import json
from pathlib import Path

from orlop.engine.cni.directory import scan


def write(directory: Path, file: str, name: str) -> Path:
    content = {"cniVersion": "1.0.0", "name": name, "plugins": [{"type": "bridge"}]}
    (directory / file).write_text(json.dumps(content))
    return directory / file


def test_the_first_file_in_name_order_is_the_network(tmp_path: Path) -> None:
    write(tmp_path, "20-b.conflist", "b")
    write(tmp_path, "10-a.conf", "a")
    write(tmp_path, "30-c.json", "c")
    found = scan(str(tmp_path))
    assert found.network is not None
    assert found.network.name == "a"
    assert [config.name for config in found.by_path.values()] == ["a", "b", "c"]


def test_other_files_do_not_count(tmp_path: Path) -> None:
    for file in ("10-a.conflist.disabled", "README", ".20-b.conflist", "10-c.conflist.cilium_bak"):
        write(tmp_path, file, "x")
    assert scan(str(tmp_path)).network is None


def test_a_network_is_chosen_by_name(tmp_path: Path) -> None:
    write(tmp_path, "10-a.conflist", "a")
    write(tmp_path, "20-b.conflist", "b")
    found = scan(str(tmp_path), "b")
    assert found.network is not None
    assert found.network.path.endswith("20-b.conflist")
    assert "'c' (default_network)" in scan(str(tmp_path), "c").missing
    assert "there are: a, b" in scan(str(tmp_path), "c").missing


def test_no_directory_and_an_empty_one_say_what_they_want(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "missing"):
        found = scan(str(directory))
        assert found.network is None
        assert str(directory) in found.missing
        assert ".conflist" in found.missing


def test_a_malformed_file_is_passed_over_and_told(tmp_path: Path) -> None:
    (tmp_path / "00-bad.conflist").write_text("{")
    (tmp_path / "05-dir.conflist").mkdir()
    (tmp_path / "06-link.conflist").symlink_to("nowhere")
    write(tmp_path, "10-a.conflist", "a")
    found = scan(str(tmp_path))
    assert found.network is not None
    assert found.network.name == "a"
    assert [problem.split(".d/")[-1].split("/")[-1].split()[0] for problem in found.problems] == [
        "00-bad.conflist", "05-dir.conflist",
    ]  # fmt: skip


def test_the_last_good_content_of_a_file_stays_in_use(tmp_path: Path) -> None:
    path = write(tmp_path, "10-a.conflist", "a")
    write(tmp_path, "20-b.conflist", "b")
    first = scan(str(tmp_path))
    path.write_text("{")
    second = scan(str(tmp_path), "", first)
    assert second.network is first.network
    assert "last good content" in second.problems[0]
    path.unlink()
    third = scan(str(tmp_path), "", second)
    assert third.network is not None
    assert third.network.name == "b"
    assert third.problems == ()


def test_an_unchanged_file_stays_the_same_value(tmp_path: Path) -> None:
    path = write(tmp_path, "10-a.conflist", "a")
    first = scan(str(tmp_path))
    path.touch()
    assert scan(str(tmp_path), "", first).network is first.network
    write(tmp_path, "10-a.conflist", "other")
    assert scan(str(tmp_path), "", first).network is not first.network
