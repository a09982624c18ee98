"""Conflists of others: moved aside on purpose, and back where the node is taken away."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugins.conftest import load


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make = load("module_utils.record").Record
    monkeypatch.setattr(load("modules.aside"), "Record", lambda: make(str(tmp_path / "node")))
    (tmp_path / "05-other.conflist").write_text("{}")
    return tmp_path


def move(place: Path, *, check: bool = False) -> dict[str, Any]:
    paths = [str(place / name) for name in ("05-other.conflist", "06-absent.conflist")]
    result: dict[str, Any] = load("modules.aside").converge(paths, check)
    return result


def removal(place: Path, **known: Any) -> Any:
    record = load("module_utils.record").Record(str(place / "node"))
    for name, value in known.items():
        setattr(record, name, value)
    return load("module_utils.removal").Removal(record, cgroup_root=str(place / "none"))


def test_a_file_goes_aside_once_and_comes_back(place: Path) -> None:
    before = str(place / "05-other.conflist")
    assert move(place)["moved"] == [before]
    assert (place / "05-other.conflist.aside").read_text() == "{}" and not Path(before).exists()
    assert not move(place)["changed"]
    back = removal(place)
    assert back.restored == [before]
    back.carry_out()
    assert Path(before).read_text() == "{}" and [path.name for path in place.iterdir()] == ["05-other.conflist"]


def test_check_mode_moves_nothing(place: Path) -> None:
    result = move(place, check=True)
    assert result["changed"] and result["diff"]["after"] == f"{place}/05-other.conflist.aside\n"
    assert [path.name for path in place.iterdir()] == ["05-other.conflist"]


def test_what_stands_there_now_and_what_an_agent_has_left_do_not_come_back(place: Path) -> None:
    move(place)
    aside = str(place / "05-other.conflist.aside")
    assert removal(place, made=[aside]).restored == []
    (place / "05-other.conflist").write_text("new")
    back = removal(place)
    back.carry_out()
    assert back.restored == [] and (place / "05-other.conflist").read_text() == "new"
