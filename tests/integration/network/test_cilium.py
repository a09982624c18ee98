"""Cilium's real plugin, driven as on a node whose agent is not there yet.

Not run is what needs the agent, and thus a cluster and BPF programs compiled for the node: an ADD that succeeds.
"""

import json
from pathlib import Path

import pytest

from orlop.engine.cni.network import Network
from tests.harness.waiting import until
from tests.parts.tools import tool


@pytest.fixture
def plugin_dir() -> str:
    return str(Path(tool("cni/cilium-cni")).parent)


@pytest.mark.timeout(300)
async def test_an_agent_that_is_down_is_told_in_the_plugins_own_words(plugin_dir: str, tmp_path: Path) -> None:
    conf = tmp_path / "net.d"
    conf.mkdir()
    plugin = {"type": "cilium-cni", "enable-debug": False, "log-file": str(tmp_path / "cilium-cni.log")}
    content = {"cniVersion": "0.3.1", "cniVersions": ["0.3.1", "1.1.0"], "name": "cilium", "plugins": [plugin]}
    (conf / "05-cilium.conflist").write_text(json.dumps(content))
    network = Network(conf_dir=str(conf), plugin_dirs=[plugin_dir], cache_dir=str(tmp_path / "cache"))
    await network.start()
    try:
        assert network.describe()["cniVersion"] == "1.1.0"  # by its own answer to VERSION
        assert "have not answered STATUS yet" in network.readiness().message
        await until(lambda: "DaemonDown" in network.readiness().message, seconds=120)
        assert "unable to connect to Cilium agent" in network.readiness().message
        assert not network.readiness().ready
    finally:
        await network.close()
