"""SIGHUP: what changes at once, what waits, and what is refused."""

import logging
from pathlib import Path

import pytest

from orlop.config.loader import load
from orlop.daemon.notify import Notifier
from orlop.daemon.reloading import changed, reload


@pytest.fixture(autouse=True)
def _level() -> object:
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)


def test_the_log_level_changes_and_the_rest_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "orlop.toml"
    file.write_text("")
    running = load(str(file))
    file.write_text('[daemon]\nlog_level = "debug"\nlog_format = "json"\n[handlers.crun]\n[handlers.runc]\n')
    reload(running, str(file), Notifier({}))
    assert logging.getLogger().level == logging.DEBUG
    text = caplog.text
    named = text.partition("need a restart: ")[2].split(", ")
    assert named[0] == "daemon.log_format" and "handlers.crun.config_path" in named
    assert all(name.startswith("handlers.crun.") for name in named[1:])
    assert "daemon.log_level" not in text


def test_a_bad_file_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "orlop.toml"
    file.write_text("")
    running = load(str(file))
    file.write_text('[daemon]\nlog_level = "loud"\n')
    before = logging.getLogger().level
    reload(running, str(file), Notifier({}))
    assert logging.getLogger().level == before
    assert "the running one stays" in caplog.text and "daemon.log_level" in caplog.text


def test_nothing_changed(tmp_path: Path) -> None:
    file = tmp_path / "orlop.toml"
    file.write_text("")
    assert changed(load(str(file)), load(str(file))) == set()
