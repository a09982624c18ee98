"""A node whose daemon does the plugins' work itself; the binaries take down what it made, after it was killed."""

import subprocess
from pathlib import Path

from tests.bench.conflists import with_nftables
from tests.harness.node import Node
from tests.harness.pods import Pods
from tests.harness.waiting import until
from tests.parts.tools import tool

TABLE = ("inet", "cni_plugins_masquerade")


def masqueraded() -> int:
    listed = subprocess.run(["nft", "list", "table", *TABLE], check=True, capture_output=True, text=True).stdout
    return listed.count(" masquerade comment ")


def forget() -> None:
    """The table, which the plugins keep for good."""
    subprocess.run(["nft", "delete", "table", *TABLE], check=False, capture_output=True)


async def test_pods_reach_each_other_and_either_way_ends_them(own_node: Node, own_pods: Pods) -> None:
    plugins = {"plugin_dirs": [str(Path(tool("cni/bridge")).parent)]}
    own_node.stop()
    own_node.configure({"network": {"in_process": True, **plugins}})
    with_nftables(own_node.network)
    own_node.start()
    try:
        server, client = own_pods.run(), own_pods.run()
        server.start("httpd", "-f", "-p", "8080", "-h", "/bin")
        shell = client.start()
        address = own_node.cri("PodSandboxStatus", pod_sandbox_id=server.id).status.network.ip
        assert own_node.network.leases() >= {address}
        await until(lambda: shell.exec("wget", "-q", "-O", "/dev/null", f"http://{address}:8080/sh").exit_code == 0)
        assert "plugin bridge" in own_node.log() and "is done by the daemon itself" in own_node.log()
        assert masqueraded() == 2
        own_node.kill()
        own_node.start()
        own_node.cri("StopPodSandbox", pod_sandbox_id=server.id)
        assert masqueraded() == 1 and len(own_node.network.leases()) == 1
        own_node.stop()
        own_node.configure({"network": plugins})
        own_node.start()
        own_pods.remove_all()
        assert masqueraded() == 0 and not own_node.network.leases()
    finally:
        forget()
