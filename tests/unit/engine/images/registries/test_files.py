"""registries.conf on disk: read when it changes, kept when it breaks."""

import logging
from pathlib import Path

import pytest

from orlop.engine.images.registries.files import RegistriesConf
from orlop.model.errors import InvalidArgument


def test_changes_are_seen_and_a_broken_file_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, drop_in = tmp_path / "r.conf", tmp_path / "r.conf.d" / "10-more.conf"
    conf = RegistriesConf(str(path))
    assert conf.rules().search is None and conf.rules().sources == ()
    path.write_text('unqualified-search-registries = ["a.test"]')
    assert conf.rules().search == ("a.test",)
    assert conf.rules() is conf.rules(), "read once"
    drop_in.parent.mkdir()
    drop_in.write_text('unqualified-search-registries = ["b.test", "c.test"]')
    (drop_in.parent / "readme.txt").write_text("no configuration")
    assert conf.rules().search == ("b.test", "c.test")
    drop_in.write_text("broken")
    with caplog.at_level(logging.ERROR):
        assert conf.rules().search == conf.rules().search == ("b.test", "c.test")
    (record,) = caplog.records
    assert str(drop_in) in record.getMessage() and "stays in force" in record.getMessage()
    drop_in.unlink()
    assert conf.rules().search == ("a.test",)


def test_a_file_that_never_could_be_read_lets_nothing_through(tmp_path: Path) -> None:
    path = tmp_path / "r.conf"
    path.write_text("[[registry]]\nblocked = 1")
    conf = RegistriesConf(str(path))
    for _ in range(2):  # what it would have blocked is not known
        with pytest.raises(InvalidArgument, match=r"r\.conf: registry\[0\]\.blocked"):
            conf.rules()
    path.write_text("")
    assert conf.rules().registries == ()


def test_without_a_path_there_are_no_rules() -> None:
    assert RegistriesConf("").rules().registries == ()
