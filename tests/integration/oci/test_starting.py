"""The start of a container without a process: what runc and the container see of it, and when it is left to the CLI."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orlop.engine.oci import starting
from orlop.model.errors import FailedPrecondition, OrlopError
from tests.integration.oci.box import Box, Place, config, place

BUILT = Path(__file__).resolve().parents[3] / ".cache/bin/runc-new"
Make = Callable[..., Box]


@pytest.fixture(params=["runc", str(BUILT)], ids=["runc", "runc-new"])
def at(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param != "runc" and not BUILT.exists():
        pytest.skip("no newer runc is built here (./test.sh does)")
    with place(request.param) as made:
        yield made


def state_of(one: Box, binary: str) -> str:
    """What runc says of it."""
    argv = [binary, f"--root={one.place.runtime.root}", "state", one.id]
    return str(json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)["status"])


async def test_it_runs_and_runc_says_so(box: Make, at: Place) -> None:
    binary = at.runtime.path
    one = await box(config("echo ran; exit 7")).create()
    assert state_of(one, binary) == "created"
    await replace(at.runtime, path="/nonexistent/runc").start(one.id)  # so it works without a process
    assert (await one.finish()).exit_code == 7
    assert one.output() == "ran"


async def test_it_is_running_for_runc_too(box: Make, at: Place) -> None:
    one = await box(config("sleep", "1000")).start()
    assert state_of(one, at.runtime.path) == "running"


async def test_a_second_start_is_refused_in_runcs_words(box: Make, at: Place) -> None:
    one = await box(config("sleep", "1000")).start()
    with pytest.raises(FailedPrecondition, match="running"):
        await at.runtime.start(one.id)


async def test_one_that_has_died_is_left_to_runc(box: Make, at: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "TIME_LIMIT", 0.1)
    one = await box(config("sleep", "1000")).create()
    one.signal(signal.SIGKILL)
    await one.finish()
    record = os.path.join(at.runtime.root, one.id)
    assert not await starting.let_go(record)
    assert os.path.exists(f"{record}/exec.fifo")  # noqa: ASYNC240 - a test
    with pytest.raises(OrlopError, match="has stopped"):
        await at.runtime.start(one.id)


async def test_poststart_hooks_are_left_to_runc(box: Make, at: Place) -> None:
    one = await box(config("sleep", "1000")).create()
    record = Path(at.runtime.root, one.id)
    state = json.loads((record / "state.json").read_text())
    state["config"]["Hooks"] = {"poststart": [{"path": "/bin/true", "args": ["true"]}]}
    (record / "state.json").write_text(json.dumps(state, separators=(",", ":")))
    assert not await starting.let_go(str(record))
    await at.runtime.start(one.id)
    assert state_of(one, at.runtime.path) == "running"
