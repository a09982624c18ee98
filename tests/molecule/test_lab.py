"""The lab that Molecule's nodes live in, as far as it can be shown without making one."""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

LAB = Path(__file__).resolve().parents[2] / "molecule" / "shared" / "lab"


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The lab's module, which is a program's and not a package's."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(LAB))
    yield importlib.import_module("nodes")
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_nodes_first_process_is_told_from_nspawns_helper(nodes: ModuleType) -> None:
    """On a loaded machine the helper was taken for it: the node then never seemed to come up, and outlived its end."""
    argv = ["sh", "-c", "sleep 300 & exec unshare --pid --fork sleep 300"]
    spawned = subprocess.Popen(argv, start_new_session=True)
    try:
        leader = nodes._leader(spawned.pid)
        numbers = Path(f"/proc/{leader}/status").read_text().partition("NSpid:")[2].splitlines()[0].split()
        assert numbers[-1] == "1" and len(numbers) > 1
    finally:
        os.killpg(spawned.pid, signal.SIGKILL)
        spawned.wait(30)
