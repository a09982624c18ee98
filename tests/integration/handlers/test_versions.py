"""Two versions of runc side by side: a container keeps the one that it was born with, whatever is configured later."""

import shutil
from pathlib import Path

import pytest

from tests.harness.node import Node
from tests.harness.pods import EXITED, RUNNING, Pods, eventually

BUILT = Path(__file__).resolve().parents[3] / ".cache/bin/runc-new"


@pytest.fixture
def other_runc(tmp_path: Path) -> str:
    """A newer runc where test.sh has built one; else the same at another path, which shows all but the versions."""
    if BUILT.exists():
        return str(BUILT)
    return str(shutil.copy(shutil.which("runc", path="/usr/sbin:/usr/bin:/sbin") or "runc", tmp_path / "runc-other"))


def test_a_moved_handler_and_a_switched_default_strand_nothing(own_node: Node, own_pods: Pods, other_runc: str) -> None:
    pod = own_pods.run()
    running, created, ended = pod.start(), pod.create(), pod.start("sh", "-c", "exit 3")
    ended.wait()
    old = running.info()["runtimePath"]
    # The name means another binary and state directory now, and the default is another handler.
    handlers = {"runc": {"path": other_runc, "root": str(own_node.base / "elsewhere")}, "crun": {}}
    own_node.configure({"handlers": handlers, "default_handler": "crun"})
    own_node.restart()
    assert running.sh("echo alive") == "alive"
    created.start()
    assert created.status().state == RUNNING
    for container in (running, created):
        assert container.info()["runtimePath"] == old
    running.cri("UpdateContainerResources", container_id=running.id, linux={"cpu_shares": 300})
    # New containers of the old pod are of its handler as it is configured now, and its new pods too.
    assert pod.start().info()["runtimePath"] == other_runc
    fresh = own_pods.run().start()
    assert fresh.info()["runtimePath"].endswith("/crun")
    running.stop()
    assert running.status().state == EXITED
    for container in (running, created, ended):
        container.remove()
    assert not list((own_node.state_dir / "runtimes/runc").iterdir())
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


def test_each_version_runs_and_tells_its_features(
    own_node: Node, own_pods: Pods, other_runc: str, tmp_path: Path
) -> None:
    crun = shutil.which("crun", path="/usr/sbin:/usr/bin:/sbin") or "crun"
    other_crun = str(shutil.copy(crun, tmp_path / "crun-other"))
    handlers = {"runc": {}, "runc-other": {"path": other_runc}, "crun": {}, "crun-other": {"path": other_crun}}
    own_node.configure({"handlers": handlers})
    own_node.restart()
    features = {each.name: each.features for each in own_node.cri("Status").runtime_handlers}
    assert handlers.keys() <= features.keys()
    assert features["crun-other"] == features["crun"]
    if BUILT.exists():  # Debian's 1.1.5 has no `features` that tells of rro
        assert features["runc-other"].recursive_read_only_mounts
    for handler in handlers:
        own_pods.handler = handler
        container = own_pods.run().start("sh", "-c", "exit 5")
        assert container.wait(seconds=30).exit_code == 5
    assert container.info()["runtimePath"] == other_crun
