"""Which declaration a node can go back to."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugins.conftest import load

OLD: dict[str, Any] = {"default_handler": "runc"}
NEW: dict[str, Any] = {"default_handler": "crun"}


def history(home: Path) -> Any:
    return load("module_utils.history").History(str(home))


def ran(home: Path, declaration: dict[str, Any], *, minor: str = "1.37", to_the_end: bool = True) -> None:
    history(home).attempt(minor, declaration)
    if to_the_end:
        history(home).apply(minor, declaration)


def test_after_two_runs_the_way_back_is_the_first(tmp_path: Path) -> None:
    ran(tmp_path, OLD)
    ran(tmp_path, NEW)
    assert history(tmp_path).way_back()["declaration"] == OLD


def test_after_a_run_that_failed_it_is_what_was_there(tmp_path: Path) -> None:
    ran(tmp_path, OLD)
    ran(tmp_path, NEW, to_the_end=False)
    assert history(tmp_path).way_back()["declaration"] == OLD


def test_going_back_twice_goes_forth(tmp_path: Path) -> None:
    for declaration in (OLD, NEW, OLD):
        ran(tmp_path, declaration)
    assert history(tmp_path).way_back()["declaration"] == NEW


def test_the_same_run_again_is_no_news(tmp_path: Path) -> None:
    ran(tmp_path, OLD)
    before = (tmp_path / "applied.json").read_text()
    ran(tmp_path, OLD)
    assert (tmp_path / "applied.json").read_text() == before


def test_a_first_declaration_has_no_way_back(tmp_path: Path) -> None:
    ran(tmp_path, OLD)
    with pytest.raises(load("module_utils.history").NoWayBack, match="no other declaration"):
        history(tmp_path).way_back()


def test_never_across_a_minor(tmp_path: Path) -> None:
    ran(tmp_path, OLD, minor="1.36")
    ran(tmp_path, NEW, minor="1.37")
    with pytest.raises(load("module_utils.history").NoWayBack, match=r"1\.36.*1\.37.*never"):
        history(tmp_path).way_back()


def test_the_files_are_for_root_alone_and_bounded(tmp_path: Path) -> None:
    for number in range(12):
        ran(tmp_path, {"daemon": {"number": number}})
    assert [each["declaration"]["daemon"]["number"] for each in history(tmp_path).applied] == list(range(2, 12))
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_check_mode_remembers_nothing(tmp_path: Path) -> None:
    params = {"state": "applied", "kubernetes": "1.37", "declaration": OLD}
    load("modules.history").carry_out(history(tmp_path), params, True)
    assert not list(tmp_path.iterdir())


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "applied.json").write_text("{")
    with pytest.raises(ValueError, match=r"applied\.json is no JSON"):
        history(tmp_path)
