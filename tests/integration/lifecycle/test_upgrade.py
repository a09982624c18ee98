"""A newer daemon takes over what an older one left: pods and containers go on, and every status is as before.

ORLOP_UPGRADE_FROM=/path/of/an/older/checkout ./test.sh integration -k upgrade
"""

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.harness import toml
from tests.harness.node import Node
from tests.harness.pods import EXITED, RUNNING, Pods
from tests.integration.lifecycle.conftest import each_handler

OLDER = os.environ.get("ORLOP_UPGRADE_FROM", "")


@each_handler
@pytest.mark.skipif(not OLDER, reason="an older checkout is not named (ORLOP_UPGRADE_FROM)")
def test_an_upgrade_of_the_daemon(own_node: Node, own_pods: Pods, monkeypatch: pytest.MonkeyPatch) -> None:
    own_node.stop()
    monkeypatch.setattr(own_node, "_environment", lambda: {**os.environ, "PYTHONPATH": str(Path(OLDER, "runtime"))})
    newer = own_node.config_file.read_text()
    own_node.config_file.write_text(toml.dump(_known_to_the_older(tomllib.loads(newer))))
    own_node.start()
    pod = own_pods.run(labels={"a": "b"}, port_mappings=[{"container_port": 80, "host_port": 18090}])
    created, running, exited = pod.create(), pod.start(), pod.start("sh", "-c", "exit 3")
    exited.wait()
    pid = running.sh("echo $PPID; cat /proc/1/stat | cut -d' ' -f22")
    own_node.stop()
    monkeypatch.undo()
    own_node.config_file.write_text(newer)
    own_node.start()
    assert pod.status().network.ip and exited.status().exit_code == 3
    assert running.sh("echo $PPID; cat /proc/1/stat | cut -d' ' -f22") == pid
    created.start()
    assert created.status().state == RUNNING
    running.stop()
    assert running.status().state == EXITED
    assert "unreadable" not in own_node.log()


def _known_to_the_older(settings: dict[str, Any]) -> dict[str, Any]:
    """The harness's settings without sections and keys that came later."""
    return {
        "daemon": settings["daemon"],
        "registries": settings["registries"],
        **{name: value for name, value in settings.items() if name in ("cgroup", "network", "handlers", "container")},
    }
