"""orlop network check, on a machine of its own with real plugins: what was taken away is told, with the pod's name."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.harness.network import PLUGIN_DIR
from tests.harness.node import RUNTIME
from tests.integration.network.machines import Machine


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(1, PLUGIN_DIR, {}) as machine:
        machine.start()
        yield machine


def check(machine: Machine) -> tuple[int, dict[str, dict[str, str]]]:
    """Exit status, and what was found, by pod."""
    words = [sys.executable, "-m", "orlop.cli", "network", "check", "--config", str(machine.config_file)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(RUNTIME)}
    ended = subprocess.run(
        machine.within(*words, "--output", "json"),
        env=environment, capture_output=True, text=True, check=False, timeout=170,
    )  # fmt: skip
    assert not ended.stderr
    return ended.returncode, {each["name"]: each for each in json.loads(ended.stdout)}


def test_what_was_taken_away_is_told_with_its_pod(machine: Machine) -> None:
    assert check(machine) == (0, {})
    netns, _ = machine.pod(metadata={"name": "one", "uid": "1", "namespace": "web", "attempt": 0})
    machine.pod(metadata={"name": "two", "uid": "2", "namespace": "web", "attempt": 0})
    status, found = check(machine)
    assert (status, {name: each["state"] for name, each in found.items()}) == (
        0, {"pod web/one": "ok", "pod web/two": "ok"},
    )  # fmt: skip
    subprocess.run(["nsenter", f"--net={netns}", "ip", "route", "flush", "default"], check=True)
    status, found = check(machine)
    assert (status, found["pod web/one"]["state"], found["pod web/two"]["state"]) == (1, "missing", "ok")
    assert "failed CHECK for pod web/one" in found["pod web/one"]["detail"]
    assert "kubectl delete pod -n web one" in found["pod web/one"]["remedy"]
    machine.pods.remove_all()
