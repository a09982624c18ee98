"""orlop check: its output and status; what is looked at is tested with the preflight."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orlop.cli.main import cli
from orlop.verify.preflight import all as preflight
from orlop.verify.preflight.finding import Finding, missing, ok, warning


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, findings: list[Finding], *args: str) -> Result:
    """Run `orlop check` where the preflight finds these."""
    config = tmp_path / "orlop.toml"
    config.write_text("")

    async def look(_: object) -> list[Finding]:
        return findings

    monkeypatch.setattr(preflight, "look", look)
    return CliRunner().invoke(cli, ["check", "--config", str(config), *args])


def test_all_is_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    result = run(monkeypatch, tmp_path, [ok("overlayfs", "known")])
    assert result.exit_code == 0
    assert "overlayfs" in result.output


def test_a_warning_fails_only_a_strict_check(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    findings = [warning("ip_forward", "off", "sysctl -w it")]
    assert run(monkeypatch, tmp_path, findings).exit_code == 0
    result = run(monkeypatch, tmp_path, findings, "--strict")
    assert result.exit_code == 1
    assert "warning: ip_forward: sysctl -w it" in result.output


def test_what_is_missing_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    findings = [ok("a", "b"), missing("conmon", "not there", "apt install conmon")]
    result = run(monkeypatch, tmp_path, findings, "-o", "json")
    assert result.exit_code == 1
    assert json.loads(result.output)[1] == {
        "name": "conmon",
        "state": "missing",
        "detail": "not there",
        "remedy": "apt install conmon",
    }
