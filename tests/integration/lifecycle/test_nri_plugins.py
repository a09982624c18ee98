"""NRI plugins that come, go, hang, die, are old, and are started by the daemon; no container is lost meanwhile."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.harness.node import Node
from tests.harness.pods import Pod, eventually
from tests.parts.nri_node import NriNode, names, started
from tests.parts.nri_plugin import read
from tests.parts.tools import tool


@pytest.fixture
def nri(new_node: Callable[..., Node], image: str) -> Iterator[NriNode]:
    """A node with NRI for one test."""
    tool("nri-plugin")
    with new_node() as node:
        nri = started(node, image)
        yield nri
        nri.cleared()


def test_no_container_is_lost_between_a_snapshot_and_the_first_event(nri: NriNode) -> None:
    """Containers are made without a pause while plugins join, each of which takes its time to be synchronized."""
    pod, made, done = nri.pods.run(), [], threading.Event()

    def make() -> None:
        while not done.is_set():
            made.append(pod.create().id)

    makers = [threading.Thread(target=make) for _ in range(3)]
    for maker in makers:
        maker.start()
    try:
        script = {"Synchronize": {"sleep_ms": 300}}
        plugins = [nri.launch(f"late{n}", index=f"1{n}", script=script) for n in range(4)]
        for plugin in plugins:
            plugin.joined()
        eventually(lambda: all(plugin.told("CreateContainer") for plugin in plugins), seconds=60)
    finally:
        done.set()
        for maker in makers:
            maker.join()
    for plugin in plugins:
        known = set(plugin.told("Synchronize")[0].line["more"][0])
        known |= {told.container["id"] for told in plugin.told("CreateContainer")}
        assert set(made) <= known
        assert pod.id in known
    log = nri.node.log()
    assert all(f"1{n}-late{n} is gone" not in log for n in range(4))


def test_a_plugin_that_joins_late_or_after_a_restart_knows_what_is_there(nri: NriNode) -> None:
    first = nri.plugin()
    pod = nri.pods.run()
    running = pod.start()
    ended = pod.start("true")
    ended.wait()
    nri.restart(hard=True)
    first.process.wait(30)
    second = nri.plugin("second")
    assert set(second.told("Synchronize")[0].line["more"][0]) == {pod.id, running.id, ended.id}
    ended.remove()
    running.stop(grace=0)
    # The end of the first one is not told again: the plugin joined when it had ended.
    assert [told.container["id"] for told in second.told("StopContainer")] == [running.id]
    nri.node.stop()
    assert names(second.told())[-1] == "Shutdown"
    assert not nri.socket.exists()
    nri.node.start()


def test_an_installed_plugin_is_started_with_its_configuration(nri: NriNode) -> None:
    program = nri.plugins / "05-installed"
    shutil.copy(tool("nri-plugin"), program)
    program.with_name("05-installed.script").write_text(
        json.dumps({"CreateContainer": {"adjust": {"env": [{"key": "BY", "value": "installed"}]}}})
    )
    (nri.plugins / "notes.txt").write_text("no plugin")
    broken = nri.plugins / "06-broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    nameless = nri.plugins / "nameless"
    nameless.write_text("#!/bin/sh\nsleep 1000\n")
    nameless.chmod(0o755)
    (nri.config / "installed.conf").write_text("level: 3\n")
    nri.restart()
    out = program.with_name("05-installed.out")
    assert read(out, "Configure")[0].line["config"] == "level: 3\n"
    assert nri.pods.run().start().sh("echo $BY") == "installed"
    log = nri.node.log()
    assert "06-broken: it closed the connection before it registered" in log
    assert "an NRI plugin's index has two digits, not 'nameless'" in log
    nri.node.stop()
    assert names(read(out))[-1] == "Shutdown"
    nri.node.start()


@pytest.mark.parametrize("script", [{"sleep_ms": 100000}, {"exit": True}], ids=["hangs", "dies"])
def test_a_plugin_that_does_not_answer_is_let_go_of_and_holds_nothing_up(
    nri: NriNode, script: dict[str, object]
) -> None:
    nri.configure(registration_timeout=30.0, request_timeout=0.5)
    nri.restart()
    nri.plugin("bad", index="10", script={"CreateContainer": script})
    good = nri.plugin("good", index="20", script={"CreateContainer": {"adjust": {"env": [{"key": "A", "value": "1"}]}}})
    assert nri.pods.run().start().sh("echo $A") == "1"
    assert good.told("PostCreateContainer")
    eventually(lambda: "NRI plugin 10-bad is gone" in nri.node.log(), seconds=30)


def test_a_plugin_of_an_old_version_is_told_by_state_changes(nri: NriNode) -> None:
    adjust = {"CreateContainer": {"adjust": {"env": [{"key": "OLD", "value": "1"}]}}}
    plugin = nri.plugin(script=adjust, binary="nri-plugin-old")
    pod = nri.pods.run()
    container = pod.start()
    assert container.sh("echo $OLD") == "1"
    container.stop()
    pod.remove()
    assert names(plugin.told()) == [
        "Configure",
        "Synchronize",
        "RunPodSandbox",
        "CreateContainer",
        "PostCreateContainer",
        "StartContainer",
        "PostStartContainer",
        "StopContainer",
        "StopPodSandbox",
        "RemoveContainer",
        "RemovePodSandbox",
    ]


def test_a_plugin_hears_only_of_what_it_subscribed_to(nri: NriNode) -> None:
    plugin = nri.plugin(events="RunPodSandbox")
    _one_life(nri.pods.run())
    assert names(plugin.told()) == ["Configure", "Synchronize", "RunPodSandbox"]


def _one_life(pod: Pod) -> None:
    pod.start("true").wait()
    pod.remove()
