"""Pods in a bridged network: attached, reachable, detached, and nothing left."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orlop.aio.process import run
from orlop.aio.threads import offload
from orlop.engine.cni.failures import PluginError, StillAttached
from orlop.linux.namespaces import run_in_netns
from orlop.model.pod import PortMapping
from tests.harness.waiting import until
from tests.integration.cni.cluster import Cluster, copy_plugin, install, reaches

Listening = Callable[..., int]


async def test_a_pod_has_an_address_and_is_reachable(cluster: Cluster, listening: Listening) -> None:
    pod, result = await cluster.attached("one")
    (ip,) = result.pod_ips("eth0")
    assert cluster.node.leases() == {ip}
    port = listening(pod.netns)
    assert await offload(reaches, "", ip, port)
    other, _ = await cluster.attached("two")
    assert await offload(reaches, other.netns, ip, port)
    await cluster.network.check(pod)
    for each in (pod, other):
        await cluster.network.remove(each)
        await cluster.network.remove(each)
    assert await cluster.left(pod) == []


async def test_both_families(cluster: Cluster, listening: Listening) -> None:
    content = cluster.node.conflist()
    content["plugins"][0]["ipam"]["ranges"].append([{"subnet": "fd00:77::/64"}])
    content["plugins"][0]["ipam"]["routes"].append({"dst": "::/0"})
    cluster.node.write(content)
    await cluster.restart()
    pod = await cluster.pod("one")
    v4, v6 = (await cluster.network.add(pod)).pod_ips("eth0")
    assert v4.startswith("10.")
    assert v6.startswith("fd00:77::")
    port = listening(pod.netns, "::")
    # The bridge's own address is tentative for a moment after its first port came (RFC 4862).
    await until(lambda: reaches("", v6, port, seconds=0.5))
    await cluster.network.remove(pod)


async def test_a_host_port_is_served_from_the_node_itself_too(cluster: Cluster, listening: Listening) -> None:
    _, bystander = await cluster.attached("bystander")  # its gateway is the node's address in the pod network
    gateway = bystander.addresses[0].gateway
    pod, _ = await cluster.attached("one", port_mappings=(PortMapping(container_port=80, host_port=18080),))
    listening(pod.netns, "0.0.0.0", 80)
    assert await offload(reaches, "", "127.0.0.1", 18080)
    assert await offload(reaches, "", gateway, 18080)
    await cluster.network.remove(pod)
    assert not await offload(reaches, "", "127.0.0.1", 18080, seconds=0.3)
    rules = (await run(["nft", "list", "ruleset"])).stdout.decode()
    assert "18080" not in rules
    await cluster.network.remove(replace(pod, pod_id="bystander", netns=""))


async def test_the_firewall_plugin_works_in_the_chain(cluster: Cluster) -> None:
    content = cluster.node.conflist()
    content["plugins"].append({"type": "firewall", "backend": "iptables"})
    cluster.node.write(content)
    await cluster.restart()
    pod = await cluster.pod("one")
    (ip,) = (await cluster.network.add(pod)).pod_ips("eth0")
    assert ip in (await run(["iptables-save"])).stdout.decode()
    await cluster.network.remove(pod)
    rules = (await run(["iptables-save"])).stdout.decode()
    assert ip not in rules
    await _without_firewall_chains()


async def _without_firewall_chains() -> None:
    """The plugin keeps its chains for good, by design."""
    for words in ("-D FORWARD -m comment --comment|CNI firewall plugin rules|-j CNI-FORWARD",
                  "-F CNI-FORWARD", "-X CNI-FORWARD", "-X CNI-ADMIN"):  # fmt: skip
        await run(["iptables", *_words(words)])


def _words(text: str) -> list[str]:
    head, *rest = text.split("|")
    return [*head.split(), *(rest[:1]), *(" ".join(rest[1:]).split())]


async def test_a_plugin_beside_the_conflist_is_in_the_chain(cluster: Cluster) -> None:
    beside = cluster.node.conf_dir / str(cluster.node.conflist()["name"])
    beside.mkdir()
    tuning = beside / "50-tuning.conf"
    tuning.write_text(json.dumps({"type": "tuning", "sysctl": {"net.core.somaxconn": "500"}}))
    await until(lambda: "tuning" in str(cluster.network.describe()["plugins"]))
    pod, result = await cluster.attached("one")
    path = Path("/proc/sys/net/core/somaxconn")
    assert run_in_netns(pod.netns, path.read_text) == "500\n"
    assert result.pod_ips("eth0")
    await cluster.network.check(pod)
    tuning.unlink()
    await until(lambda: "tuning" not in str(cluster.network.describe()["plugins"]))
    await cluster.network.remove(pod)
    assert await cluster.left(pod) == []


async def test_many_pods_at_once_have_addresses_of_their_own(cluster: Cluster) -> None:
    made = await asyncio.gather(*(cluster.attached(f"pod{number}") for number in range(8)))
    assert len({result.pod_ips("eth0") for _, result in made}) == 8
    await asyncio.gather(*(cluster.network.remove(pod) for pod, _ in made))
    assert await cluster.left(made[0][0]) == []


async def without_masquerading(cluster: Cluster) -> None:
    """Write a network without it, and start anew.

    The bridge plugin finds its rules by the addresses inside the namespace, and leaves them once those are gone: one
    more reason why a namespace must outlive DEL. Here it is about all the rest.
    """
    content = cluster.node.conflist()
    content["plugins"][0]["ipMasq"] = False
    cluster.node.write(content)
    await cluster.restart()


async def test_detached_after_the_namespace_has_gone(cluster: Cluster) -> None:
    await without_masquerading(cluster)
    pod, _ = await cluster.attached("one", port_mappings=(PortMapping(container_port=80, host_port=18081),))
    await cluster.namespaces.remove("one")
    await cluster.network.remove(pod)
    assert await cluster.left(pod) == []


async def test_detached_after_the_configuration_has_gone(cluster: Cluster) -> None:
    pod, _ = await cluster.attached("one", port_mappings=(PortMapping(container_port=80, host_port=18082),))
    cluster.node.file.unlink()
    await until(lambda: not cluster.network.readiness().ready)
    await cluster.network.remove(pod)
    assert await cluster.left(pod) == []


async def test_check_misses_what_somebody_took_away(cluster: Cluster) -> None:
    await without_masquerading(cluster)
    pod, _ = await cluster.attached("one")
    run_in_netns(pod.netns, lambda: subprocess.run(["ip", "addr", "flush", "dev", "eth0"], check=True))
    with pytest.raises(PluginError, match="failed CHECK for pod web/one"):
        await cluster.network.check(pod)
    await cluster.network.remove(pod)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"subnet": "10.1.2.3/99"}, "10.1.2.3/99"),
        ({"type": "no-such-ipam"}, "no-such-ipam"),
    ],
)
async def test_what_a_real_plugin_complains_of_is_told(cluster: Cluster, changes: dict[str, str], words: str) -> None:
    content = cluster.node.conflist()
    ipam = content["plugins"][0]["ipam"]
    ipam.pop("ranges")
    ipam.update(changes)
    cluster.node.write(content)
    await cluster.restart()
    pod = await cluster.pod("one")
    with pytest.raises(PluginError, match="plugin 'bridge' failed ADD for pod web/one") as caught:
        await cluster.network.add(pod)
    assert words in str(caught.value)
    # The same mistake keeps DEL from working: told, and kept on record until somebody mends it.
    assert cluster.records() == [f"{content['name']}-one-eth0"]
    cluster.node.write(cluster.node.conflist())


async def test_addresses_that_are_used_up_are_told_and_free_again(cluster: Cluster) -> None:
    content = cluster.node.conflist()
    content["plugins"][0]["ipam"]["ranges"] = [[{"subnet": "10.99.0.0/30"}]]
    cluster.node.write(content)
    await cluster.restart()
    first, second = await cluster.pod("one"), await cluster.pod("two")
    await cluster.network.add(first)
    with pytest.raises(PluginError, match="no IP addresses available"):
        await cluster.network.add(second)
    assert cluster.records() == [f"{content['name']}-one-eth0"]
    await cluster.network.remove(first)
    await cluster.network.add(second)
    await cluster.network.remove(second)
    assert await cluster.left(first) == []


async def test_a_later_plugin_that_fails_leaves_no_lease(cluster: Cluster) -> None:
    install(cluster, "broken", '[ "$CNI_COMMAND" = DEL ] || { echo "not today" >&2; exit 1; }')
    content = cluster.node.conflist()
    content["plugins"].append({"type": "broken"})
    cluster.node.write(content)
    await cluster.restart()
    pod = await cluster.pod("one")
    with pytest.raises(PluginError, match="not today"):
        await cluster.network.add(pod)
    assert await cluster.left(pod) == []


async def test_a_plugin_that_was_uninstalled_leaves_a_debt_that_is_paid_later(cluster: Cluster) -> None:
    mine = copy_plugin(cluster, "bridge").rename(cluster.more_plugins / "my-bridge")
    content = cluster.node.conflist()
    content["plugins"][0]["type"] = "my-bridge"
    cluster.node.write(content)
    await cluster.restart()
    pod = await cluster.pod("one")
    await cluster.network.add(pod)
    mine.rename(cluster.more_plugins / "away")
    assert "my-bridge" in cluster.network.readiness().message
    with pytest.raises(StillAttached, match="my-bridge"):
        await cluster.network.remove(pod)
    (cluster.more_plugins / "away").rename(mine)
    (owed,) = await cluster.network.orphans(list)
    await cluster.network.remove(owed)
    assert await cluster.left(pod) == []


DAEMON = """
import asyncio, sys
from orlop.engine.cni.attachment import Attachment
from orlop.engine.cni.network import Network

async def main():
    network = Network(conf_dir=sys.argv[1], plugin_dirs=sys.argv[2].split(":"), cache_dir=sys.argv[3])
    await network.start()
    await network.add(Attachment(pod_id="one", namespace="web", name="one", netns=sys.argv[4]))

asyncio.run(main())
"""


async def test_a_daemon_killed_in_the_middle_of_add_owes_a_del(cluster: Cluster) -> None:
    seen = cluster.more_plugins / "pid"
    install(
        cluster, "slow", f'[ "$CNI_COMMAND" = DEL ] || {{ echo $$ > {seen}.new; mv {seen}.new {seen}; sleep 1000; }}'
    )
    content = cluster.node.conflist()
    content["plugins"].append({"type": "slow"})
    cluster.node.write(content)
    pod = await cluster.pod("one")
    plugins = f"{cluster.more_plugins}:/usr/lib/cni"
    arguments = [str(cluster.node.conf_dir), plugins, str(cluster.node.cache_dir), pod.netns]
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    daemon = await asyncio.create_subprocess_exec(sys.executable, "-c", DAEMON, *arguments, env=environment)
    await until(seen.exists, seconds=20)
    daemon.kill()
    await daemon.wait()
    os.killpg(int(seen.read_text()), signal.SIGKILL)  # the plugin outlives its daemon
    assert len(cluster.node.leases()) == 1

    await cluster.restart()
    (owed,) = await cluster.network.orphans(list)
    await cluster.network.remove(owed)
    assert await cluster.left(pod) == []
