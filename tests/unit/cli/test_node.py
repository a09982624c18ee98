"""`orlop node`: results on standard output or below a directory, mistakes as one sentence."""

import json
import stat
from pathlib import Path

from click.testing import CliRunner, Result

from orlop.cli.node import node


def run(*args: str, stdin: str = "{}") -> Result:
    return CliRunner().invoke(node, args, input=stdin)


def test_render_prints_every_file() -> None:
    result = run("render", "--declaration", "-")
    assert result.exit_code == 0
    assert "/etc/orlop/orlop.toml" in {file["path"] for file in json.loads(result.stdout)}


def test_render_writes_below_a_directory_with_modes(tmp_path: Path) -> None:
    secret = '{"daemon": {"registries": {"r": {"username": "u", "password": "p"}}}}'
    result = run("render", "--declaration", "-", "--output", "dir", "--directory", str(tmp_path), stdin=secret)
    assert result.exit_code == 0, result.output
    assert stat.S_IMODE((tmp_path / "etc/orlop/orlop.toml").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "etc/crictl.yaml").stat().st_mode) == 0o644


def test_a_directory_must_be_named() -> None:
    assert "needs --directory" in run("render", "--declaration", "-", "--output", "dir").output


def test_mistakes_are_sentences() -> None:
    assert run("render", "--declaration", "-", stdin="{").exit_code == 1
    result = run("render", "--declaration", "-", stdin='{"netwrok": {}}')
    assert result.output == "Error: netwrok: there is no such key; did you mean network?\n"


def test_schema_is_printed() -> None:
    assert json.loads(run("schema").stdout)["$schema"]
