"""Versions side by side: a container keeps the binary that it was born with, whatever is configured later."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.harness.node import Node
from tests.harness.pods import EXITED, RUNNING, Pods, eventually
from tests.parts import trixie
from tests.parts.tools import tool

KINDS = {"runc": "crun", "crun": "runc"}
"""An OCI runtime, and another one."""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def newer(kind: str, tmp_path: Path) -> str:
    """A version beside Debian 12's: runc's as test.sh builds it, crun's of the next Debian."""
    path = tool("runc-new") if kind == "runc" else str(trixie.linked("usr/bin/crun", tmp_path / "crun-new"))
    assert version(path) != version(shutil.which(kind, path="/usr/sbin:/usr/bin:/sbin") or kind)
    return path


def version(path: str) -> str:
    """The first line of what a runtime says of itself: `crun version 1.8.1`."""
    return subprocess.run([path, "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]


def test_a_moved_handler_and_a_switched_default_strand_nothing(
    own_node: Node, own_pods: Pods, kind: str, newer: str
) -> None:
    own_node.configure({"default_handler": kind})
    own_node.restart()
    pod = own_pods.run()
    running, created, ended = pod.start(), pod.create(), pod.start("sh", "-c", "exit 3")
    ended.wait()
    old = running.info()["runtimePath"]
    assert old.endswith(f"/{kind}")
    # The name means another binary and state directory now, and the default is another handler.
    handlers = {kind: {"path": newer, "root": str(own_node.base / "elsewhere")}, KINDS[kind]: {}}
    own_node.configure({"handlers": handlers, "default_handler": KINDS[kind]})
    own_node.restart()
    assert running.sh("echo alive") == "alive"
    created.start()
    assert created.status().state == RUNNING
    for container in (running, created):
        assert container.info()["runtimePath"] == old
    running.cri("UpdateContainerResources", container_id=running.id, linux={"cpu_shares": 300})
    # New containers of the old pod are of its handler as it is configured now, and its new pods too.
    young = pod.start()
    assert young.info()["runtimePath"] == newer
    assert young.sh("echo alive") == "alive"
    fresh = own_pods.run().start()
    assert fresh.info()["runtimePath"].endswith(f"/{KINDS[kind]}")
    running.stop()
    assert running.status().state == EXITED
    for container in (running, created, ended):
        container.remove()
    assert not list((own_node.state_dir / "runtimes" / kind).iterdir())
    pod.remove()


def test_a_handler_that_was_taken_away_strands_nothing(own_node: Node, own_pods: Pods) -> None:
    own_pods.handler = "crun"
    pod = own_pods.run()
    container = pod.start()
    own_pods.handler = "shim-runc"
    shimmed = own_pods.run()
    within = shimmed.start("sh", "-c", "while :; do echo tick; sleep 0.1; done")
    own_node.drop_handlers("crun", "shim-runc")
    own_node.restart(hard=True)
    assert container.sh("echo alive") == "alive"
    assert within.sh("echo alive") == "alive"
    lines = len(within.log())
    eventually(lambda: len(within.log()) > lines, seconds=30)
    for each in (pod, shimmed):
        each.stop()
        each.remove()


def test_each_version_runs_and_tells_its_features(own_node: Node, own_pods: Pods, kind: str, newer: str) -> None:
    own_node.configure({"handlers": {"old": {"path": shutil.which(kind)}, "new": {"path": newer}}})
    own_node.restart()
    features = {each.name: each.features for each in own_node.cri("Status").runtime_handlers}
    for handler in ("old", "new"):  # Debian's crun 1.8.1 has no `features`: there its version tells
        assert features[handler].recursive_read_only_mounts
        assert features[handler].user_namespaces
    spoken = set()
    for handler, path in (("old", shutil.which(kind)), ("new", newer)):
        own_pods.handler = handler
        container = own_pods.run().start("sh", "-c", "exit 5")
        assert container.wait(seconds=30).exit_code == 5
        assert container.info()["runtimePath"] == path
        spoken.add(container.info()["runtimeSpec"]["ociVersion"])
    assert len(spoken) == 1  # which both have accepted
