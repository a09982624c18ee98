"""The current reference plugins (tests/parts/plugins/go.mod), in each version of the specification: they know 1.1."""

import json
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from orlop.aio.process import run
from orlop.aio.threads import offload
from orlop.engine.cni.capabilities import EGRESS, INGRESS, IPS, MAC
from orlop.engine.cni.failures import PluginError
from orlop.engine.cni.plugin import Plugins
from orlop.engine.cni.request import Command
from orlop.engine.cni.result import parse_versions
from orlop.linux.namespaces import run_in_netns
from orlop.model.pod import PortMapping
from tests.harness.network import PLUGIN_DIR
from tests.harness.waiting import until
from tests.integration.cni.cluster import Cluster, reaches
from tests.parts.tools import tool

Listening = Callable[..., int]
VERSIONS = ("0.3.1", "0.4.0", "1.0.0", "1.1.0")


@pytest.fixture
async def current(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A node whose plugins are the current ones alone."""
    cluster = Cluster(tmp_path, str(Path(tool("cni/bridge")).parent))
    yield cluster
    await cluster.end()


def in_pod(netns: str, *command: str) -> str:
    """What a command says in a pod's network."""
    return run_in_netns(netns, lambda: subprocess.run(command, check=True, capture_output=True, text=True).stdout)


async def test_they_are_the_pinned_ones(current: Cluster) -> None:
    """They, and not Debian's, know version 1.1 of the specification."""
    known = {}
    for directory in (PLUGIN_DIR, current.plugin_dirs[-1]):
        output = await Plugins([directory], {}).call(
            Command.VERSION, "bridge", b'{"cniVersion":"1.0.0"}', network="n", variables={}, timeout=30
        )
        known[directory] = parse_versions(output)
    assert ["1.1.0" in versions for versions in known.values()] == [False, True]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_pods_life_in_each_version(current: Cluster, listening: Listening, version: str) -> None:
    current.node.write(current.node.conflist(cniVersion=version))
    await current.restart()
    await until(lambda: current.network.readiness().ready)
    assert current.network.describe()["cniVersion"] == version
    pod, result = await current.attached("one", port_mappings=(PortMapping(container_port=80, host_port=18090),))
    assert json.loads(result.raw)["cniVersion"] == version
    listening(pod.netns, "0.0.0.0", 80)
    assert await offload(reaches, "", result.pod_ips("eth0")[0], 80)
    assert await offload(reaches, "", "127.0.0.1", 18090)
    await current.network.check(pod)
    await current.network.gc([pod])
    assert await offload(reaches, "", "127.0.0.1", 18090)
    await current.network.remove(pod)
    assert await current.left(pod) == []


@pytest.mark.parametrize(("directory", "version"), [(PLUGIN_DIR, "1.0.0"), ("", "1.1.0")])
async def test_the_newest_version_that_all_plugins_know_is_spoken(
    current: Cluster, directory: str, version: str
) -> None:
    current.plugin_dirs = [directory or current.plugin_dirs[-1]]
    current.node.write(current.node.conflist(cniVersions=["0.4.0", *VERSIONS]))
    await current.restart()
    assert current.network.describe()["cniVersion"] == version


async def test_what_a_pod_asks_for_reaches_the_kernel(current: Cluster) -> None:
    """Capabilities: ipRanges, ips and mac, bandwidth; two families at once."""
    content = current.node.conflist(cniVersion="1.1.0")
    bridge: dict[str, Any] = content["plugins"][0]
    bridge["capabilities"] = {"ips": True, "mac": True}
    bridge["ipam"] = {
        "type": "host-local",
        "dataDir": str(current.node.lease_dir),
        "ranges": [[{"subnet": current.node.subnet}], [{"subnet": "fd00:78::/64"}]],
    }
    content["plugins"].append({"type": "bandwidth", "capabilities": {"bandwidth": True}})
    current.node.write(content)
    await current.restart(address_annotations=True)
    wanted = current.node.subnet.replace(".0.0/16", ".0.77/16")
    annotations = {MAC: "0a:58:0a:00:00:4d", IPS: f"{wanted},fd00:78::77/64", INGRESS: "10M", EGRESS: "20M"}
    pod, result = await current.attached("one", annotations=annotations)
    assert result.pod_ips("eth0") == (wanted.partition("/")[0], "fd00:78::77")
    assert "0a:58:0a:00:00:4d" in in_pod(pod.netns, "ip", "link", "show", "eth0")
    shaped = (await run(["tc", "qdisc"])).stdout.decode()
    assert "rate 10Mbit" in shaped
    assert "rate 20Mbit" in shaped
    await current.network.remove(pod)
    assert await current.left(pod) == []


async def test_pods_get_addresses_of_the_nodes_pod_cidr(current: Cluster) -> None:
    content = current.node.conflist(cniVersion="1.1.0")
    content["plugins"][0]["capabilities"] = {"ipRanges": True}
    content["plugins"][0]["ipam"].pop("ranges")
    current.node.write(content)
    await current.restart()
    await current.network.update_pod_cidr("10.181.3.0/24,fd00:79::/64")
    pod, result = await current.attached("one")
    assert result.pod_ips("eth0") == ("10.181.3.2", "fd00:79::2")
    await current.network.remove(pod)
    assert await current.left(pod) == []


async def test_a_plugin_that_is_ill_makes_the_network_not_ready_in_its_own_words(current: Cluster) -> None:
    """STATUS of the real bridge: it asks its IPAM plugin, which is not there."""
    content = current.node.conflist(cniVersion="1.1.0")
    content["plugins"][0]["ipam"]["type"] = "no-such-ipam"
    current.node.write(content)
    await current.restart()
    await until(lambda: "no-such-ipam" in current.network.readiness().message)
    assert not current.network.readiness().ready
    current.node.write(current.node.conflist(cniVersion="1.1.0"))
    await until(lambda: current.network.readiness().ready)


async def test_the_loss_of_a_rule_is_noticed_by_check(current: Cluster) -> None:
    current.node.write(current.node.conflist(cniVersion="1.1.0"))
    await current.restart()
    pod, _ = await current.attached("one")
    in_pod(pod.netns, "ip", "route", "flush", "default")
    with pytest.raises(PluginError, match="failed CHECK for pod web/one"):
        await current.network.check(pod)
    await current.network.remove(pod)
