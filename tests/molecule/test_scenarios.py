"""Molecule's scenarios: real Debian nodes with systemd, made, converged twice, verified and removed again."""

import os
import re
import sys
from pathlib import Path

import pytest

from tests.harness import privacy

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scenario", ["default", "alternative", "handlers", "networks", "airgap", "reset"])
def test_scenario(scenario: str) -> None:
    # The lab needs the machine's own network: packages come through it.
    env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = privacy.on_host([str(BIN / "molecule"), "test", "-s", scenario], cwd=str(ROOT), env=env, timeout=1700)
    if done.returncode != 0:
        pytest.fail(f"molecule test -s {scenario} ended with {done.returncode}:\n{done.stdout[-20000:]}", pytrace=False)
    if scenario == "handlers":
        assert changes_told(done.stdout, scenario) == ["0"], done.stdout[-20000:]


def changes_told(output: str, scenario: str) -> list[str]:
    """What check mode said that it would change of the scenario's node, once for each run of it."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    before, found, _ = plain.partition(f"{scenario} ➜ check: Executed: Successful")
    assert found, "no check was run"
    checked = before.rpartition(f"{scenario} ➜ idempotence: Executed: Successful")[2]
    return re.findall(rf"{scenario} +: ok=[0-9]+ +changed=([0-9]+)", checked)
