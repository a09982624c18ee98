"""orlop config."""

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orlop.cli.main import cli


def run(*args: str) -> Result:
    """Run `orlop config` with these."""
    return CliRunner().invoke(cli, ["config", *args])


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "orlop.toml"
    path.write_text('[registries."r.test"]\nusername = "u"\npassword = "hunter2"\n[daemon]\nlog_level = "debug"\n')
    return str(path)


@pytest.fixture
def bad(tmp_path: Path) -> str:
    path = tmp_path / "orlop.toml"
    path.write_text("[daemon]\nlog_levle = 1\n[images]\npinned = 2\n")
    return str(path)


def test_default_is_a_file_that_can_be_used(tmp_path: Path) -> None:
    result = run("default")
    assert set(tomllib.loads(result.output)) >= {"daemon", "images", "handlers"}
    path = tmp_path / "orlop.toml"
    path.write_text(result.output)
    assert run("validate", "--config", str(path)).exit_code == 0


def test_schema_is_json() -> None:
    assert json.loads(run("schema").output)["$ref"] == "#/$defs/Config"


def test_validate_of_a_good_file(good: str) -> None:
    result = run("validate", "--config", good)
    assert (result.exit_code, result.output) == (0, f"The configuration is right. Read: {good}\n")
    assert json.loads(run("validate", "--config", good, "-o", "json").output)["valid"] is True


def test_validate_tells_all_mistakes(bad: str) -> None:
    result = run("validate", "--config", bad)
    assert result.exit_code == 1
    assert "daemon.log_levle: there is no such key; did you mean log_level?" in result.output
    assert "images.pinned: expected array, got int, but it is 2" in result.output
    found = json.loads(run("validate", "--config", bad, "-o", "json").stdout)
    assert found["valid"] is False
    assert [problem["key"] for problem in found["problems"]] == ["daemon.log_levle", "images.pinned"]
    assert found["problems"][0]["file"] == bad


def test_show_tells_where_each_value_is_from(good: str) -> None:
    found = json.loads(run("show", "--config", good, "-o", "json").output)
    assert found["daemon.log_level"] == {"value": "debug", "source": good}
    assert found["daemon.socket"] == {"value": "/run/orlop/orlop.sock", "source": "default"}
    text = run("show", "--config", good).output
    assert "daemon.log_level" in text and good in text


def test_show_hides_passwords(good: str) -> None:
    assert "hunter2" not in run("show", "--config", good).output
    assert "hunter2" not in run("show", "--config", good, "-o", "json").output


def test_show_of_one_table_or_key(good: str) -> None:
    shown = json.loads(run("show", "--config", good, "-o", "json", "streaming").output)
    assert {"streaming.address", "streaming.port", "streaming.idle_timeout"} <= shown.keys()
    assert all(key.startswith("streaming.") for key in shown)
    result = run("show", "--config", good, "nonsense")
    assert result.exit_code == 1
    assert "there is no key 'nonsense'" in result.output


def test_show_of_a_bad_file_tells_why(bad: str) -> None:
    result = run("show", "--config", bad)
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {bad}: daemon.log_levle")
