"""The lab that Molecule's nodes live in, as far as it can be shown without making one."""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

LAB = Path(__file__).resolve().parents[2] / "molecule" / "shared" / "lab"


Modules = Callable[[str], ModuleType]


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Modules]:
    """The lab's modules by their names, which are a program's and no package's; their nodes are kept elsewhere."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(LAB))
    monkeypatch.setenv("ORLOP_LAB_CACHE", str(tmp_path))
    yield importlib.import_module
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_nodes_first_process_is_told_from_nspawns_helper(modules: Modules) -> None:
    """On a loaded machine the helper was taken for it: the node then never seemed to come up, and outlived its end."""
    nodes = modules("nodes")
    argv = ["sh", "-c", "sleep 300 & exec unshare --pid --fork sleep 300"]
    spawned = subprocess.Popen(argv, start_new_session=True)
    try:
        leader = nodes._leader(spawned.pid)
        numbers = Path(f"/proc/{leader}/status").read_text().partition("NSpid:")[2].splitlines()[0].split()
        assert numbers[-1] == "1" and len(numbers) > 1
    finally:
        os.killpg(spawned.pid, signal.SIGKILL)
        spawned.wait(30)


def test_a_machine_is_told_what_a_virtual_node_needs(
    modules: Modules, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before anything is made."""
    virtual, tools = modules("virtual"), modules("tools")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = tools.Tools(tmp_path, [])
    found.path = str(tmp_path)
    with pytest.raises(modules("places").LabError, match="mke2fs is missing: install e2fsprogs"):
        virtual.create("vm", found)
    assert not (tmp_path / "nodes").exists()


def test_a_process_that_has_another_ones_number_is_not_ended(modules: Modules) -> None:
    """The file with a node's processes outlives them; by then their numbers may be someone else's."""
    processes = modules("processes")
    other = subprocess.Popen(["sleep", "300"])
    try:
        number, since = processes.identity(other.pid)
        processes.end([number, since - 1], politely=signal.SIGTERM)
        assert processes.runs([number, since])
        processes.end([number, since])
        assert other.wait(30) == -signal.SIGKILL
    finally:
        other.kill()
        other.wait(30)
