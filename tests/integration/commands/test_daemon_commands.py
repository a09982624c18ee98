"""The commands against the real daemon: start, status, verify, a second daemon, reload, kill, stop."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from orlop.daemon.pidfile import path_in, running
from tests.harness.node import RUNTIME, Node

needs_registry = pytest.mark.skipif(shutil.which("docker-registry") is None, reason="docker-registry is not installed")


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        """Its output, decoded."""
        found: dict[str, object] = json.loads(self.out)
        return found


class Commands:
    """Runs orlop on a node's configuration, as a shell would."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.pid_file = path_in(str(node.state_dir))

    def __call__(self, *args: str) -> Answer:
        found = subprocess.run(
            [sys.executable, "-m", "orlop.cli", *args],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(RUNTIME), "ORLOP_CONFIG": str(self._node.config_file)},
        )
        return Answer(found.returncode, found.stdout, found.stderr)

    def log(self) -> str:
        """What the daemon has logged."""
        return (self._node.root_dir / "orlopd.log").read_text()

    def wait_for_log(self, text: str) -> None:
        """Until the daemon has logged this."""
        deadline = time.monotonic() + 10
        while text not in self.log():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.01)


@pytest.fixture
def orlop() -> Iterator[Commands]:
    """A node whose daemon is started and stopped by the commands."""
    with Node() as node:
        commands = Commands(node)
        yield commands
        assert commands("daemon", "stop").status == 0
        # The daemon's parent has gone, so the test's process, a subreaper, has it to reap.
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def test_start_status_stop(orlop: Commands) -> None:
    started = orlop("daemon", "start", "-o", "json")
    assert started.status == 0, started.err
    pid = running(orlop.pid_file)
    assert started.json["changed"] is True and started.json["pid"] == pid
    again = orlop("daemon", "start", "-o", "json").json
    assert again["changed"] is False and again["pid"] == pid
    assert orlop("daemon", "status", "-o", "json").json["served"] is True
    status = orlop("status", "-o", "json").json
    assert {"runc", "crun"} <= {handler["name"] for handler in status["handlers"]}  # type: ignore[attr-defined]
    assert orlop("daemon", "stop", "-o", "json").json == {"changed": True}
    assert orlop("daemon", "stop", "-o", "json").json == {"changed": False}
    assert orlop("daemon", "status").status == 3
    assert "stopping; containers go on" in orlop.log()


def test_a_second_daemon_is_refused_and_does_no_harm(orlop: Commands) -> None:
    assert orlop("daemon", "start").status == 0
    second = orlop("daemon", "run")
    assert second.status == 1
    assert f"another daemon (pid {running(orlop.pid_file)})" in second.err
    assert orlop("status").status == 0


def test_after_a_kill_it_starts_again(orlop: Commands) -> None:
    assert orlop("daemon", "start").status == 0
    pid = running(orlop.pid_file)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert orlop("daemon", "start").status == 0
    assert running(orlop.pid_file) not in (None, pid)


def test_a_start_that_fails_shows_the_log(orlop: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    orlop._node.configure({"monitor": {"path": "/nowhere/conmon"}})
    found = orlop("daemon", "start")
    assert found.status == 1
    assert "the daemon ended at once with status 1; its log" in found.err
    assert "/nowhere/conmon is not installed: install conmon, or set monitor.path to it" in found.err
    orlop._node.configure({"handlers": {"runc": {"pth": "/x"}}})
    found = orlop("daemon", "start")
    assert found.status == 1
    assert "handlers.runc.pth: there is no such key; did you mean path?" in found.err
    orlop._node.configure({})


def test_a_hangup_has_the_configuration_read_again(orlop: Commands) -> None:
    assert orlop("daemon", "start").status == 0
    orlop._node.configure({"daemon": {"log_level": "info"}, "container": {"pids_limit": 100}})
    pid = running(orlop.pid_file)
    assert pid is not None
    os.kill(pid, signal.SIGHUP)
    orlop.wait_for_log("configuration read again; these keys need a restart: container.pids_limit")


@needs_registry
@pytest.mark.parametrize("handler", ["runc", "crun"])
def test_verify_proves_the_node(orlop: Commands, handler: str) -> None:
    assert orlop("daemon", "start").status == 0
    found = orlop("verify", "-o", "json", "--handler", handler)
    assert found.status == 0, found.out + found.err
    proof = found.json
    assert proof["passed"] is True
    steps = proof["steps"]
    assert isinstance(steps, list)
    assert [step["name"] for step in steps] == [
        "ask the runtime", "make the image", "start a registry", "push the image", "PullImage", "RunPodSandbox",
        "PodSandboxStatus", "CreateContainer", "StartContainer", "GET over the pod IP", "ExecSync", "read the log",
        "StopContainer", "RemoveContainer", "StopPodSandbox", "RemovePodSandbox", "RemoveImage", "remove the logs",
        "end the registry",
    ]  # fmt: skip
    assert all(step["milliseconds"] > 0 for step in steps)


@needs_registry
def test_verify_tells_what_does_not_work(orlop: Commands) -> None:
    assert orlop("daemon", "start").status == 0
    found = orlop("verify", "--handler", "nonsense")
    assert found.status == 1
    assert "The node does not work: RunPodSandbox: INVALID_ARGUMENT:" in found.err
    assert "no runtime handler 'nonsense' on this node" in found.err
    found = orlop("verify", "--image", "127.0.0.1:1/gone:1")
    assert found.status == 1
    assert "The node does not work: PullImage: " in found.err


def test_check_looks_at_this_machine(orlop: Commands) -> None:
    found = orlop("check", "-o", "json")
    states = {each["name"]: each["state"] for each in json.loads(found.out)}
    assert states["handler runc"] == states["conmon"] == states["state directory"] == states["network"] == "ok"
