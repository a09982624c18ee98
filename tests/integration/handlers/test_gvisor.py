"""gVisor by its own shim, the second one that is real: each pod has a kernel in user space."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.harness.node import Node
from tests.harness.pods import EXITED, NOTREADY, Pods, eventually
from tests.integration.cni.cluster import reaches
from tests.parts.tools import tool

pytestmark = [pytest.mark.parametrize("handler", ["runsc"], indirect=True), pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def gvisor(own_node: Node) -> Iterator[Node]:
    """A node with a handler runsc.

    Without masquerading: the bridge plugin finds its rules of iptables by the addresses inside a pod's namespace, and
    gVisor takes those away from there, for its own kernel.
    """
    content = own_node.network.conflist()
    content["plugins"][0]["ipMasq"] = False
    own_node.network.write(content)
    options = own_node.base / "runsc.toml"
    root = own_node.base / "runsc"
    options.write_text(f'root = "{root}"\nbinary_name = "{tool("runsc")}"\n[runsc_config]\nplatform = "systrap"\n')
    runsc = {"type": "shim", "path": tool("containerd-shim-runsc-v1"), "config_path": str(options), "stats": "shim"}
    plugins = [str(Path(tool("cni/bridge")).parent)]
    own_node.configure({"handlers": {"runsc": runsc}, "network": {"plugin_dirs": plugins}})
    own_node.restart()
    yield own_node
    for pinned in root.rglob("null-netns"):  # runsc keeps it for all sandboxes to come
        subprocess.run(["umount", pinned], check=True)


def test_a_pod(own_node: Node, own_pods: Pods) -> None:
    pod = own_pods.run(hostname="inside")
    one = pod.start("sh", "-c", "echo out; echo err >&2; while :; do echo hello | nc -l -p 8080; done")
    two = pod.start("sh", "-c", "cat /proc/version; while [ ! -e /end ]; do sleep 0.1; done; exit 7")
    eventually(lambda: "gvisor" in two.output(), seconds=60)
    assert (one.output(), one.output("stderr")) == ("out\n", "err\n")
    shim = int(one.info()["monitorPid"])
    assert int(two.info()["monitorPid"]) == shim
    # One kernel for the pod, which is not the node's.
    assert "gVisor" in one.sh("dmesg")
    assert one.sh("hostname") == "inside"
    # What runs over its time limit is ended, and at once.
    with pytest.raises(grpc.RpcError, match="did not end within 1 s"):
        one.exec("sleep", "1000", timeout=1)
    eventually(lambda: reaches("", pod.ip, 8080), seconds=30)
    ended = one.exec("sh", "-c", "echo x >&2; exit 3")
    assert (ended.exit_code, ended.stderr) == (3, b"x\n")
    stats = own_node.cri("ContainerStats", container_id=one.id).stats
    assert stats.cpu.usage_core_nano_seconds.value > 0 and stats.memory.usage_bytes.value > 0
    own_node.restart(hard=True)
    assert one.sh("echo alive") == "alive"
    two.sh("touch /end")
    assert two.wait(seconds=60).exit_code == 7
    one.stop()
    assert one.status().state == EXITED
    pod.stop()
    pod.remove()
    assert not os.path.exists(f"/proc/{shim}/exe")


def test_a_shim_that_dies(own_node: Node, own_pods: Pods) -> None:
    pod = own_pods.run()
    container = pod.start()
    shim = int(container.info()["monitorPid"])
    os.kill(shim, signal.SIGKILL)
    assert container.wait(seconds=60).exit_code == 255
    eventually(lambda: pod.status().state == NOTREADY, seconds=60)
    pod.remove()
