"""Shims: one for each pod, found again by a new daemon, missed when it dies. What all handlers do is in lifecycle."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from orlop.engine.shim.bootstrap import read_bootstrap
from orlop.engine.shim.task import TaskService, TaskState
from orlop.ttrpc.client import Client
from orlop.ttrpc.link import SocketStream
from tests.harness.node import SHIM_RUNC, Node
from tests.harness.pods import EXITED, NOTREADY, RUNNING, Container, Pods, eventually

SHIM = pytest.mark.parametrize("handler", ["shim-runc"], indirect=True)
pytestmark = SHIM
HYPERVISOR = "io.katacontainers.config.hypervisor"


def _shim(info: dict[str, object]) -> int:
    return int(str(info["monitorPid"]))


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def test_a_pod_has_one_shim_that_ends_with_it(pods: Pods) -> None:
    pod = pods.run()
    one, two = pod.start(), pod.start()
    shim = _shim(one.info())
    assert _shim(two.info()) == shim
    assert "containerd-shim-runc-v2" in _command(shim)
    assert _shim(pods.run().start().info()) != shim
    annotations = one.info()["runtimeSpec"]["annotations"]
    assert annotations["io.kubernetes.cri.container-type"] == "container"
    # The shim was born with the pause container, whose id is its -id.
    assert f"-id {annotations['io.kubernetes.cri.sandbox-id']} " in _command(shim)
    pod.stop()
    assert not os.path.exists(f"/proc/{shim}/exe")


def test_the_shim_is_not_in_the_daemons_cgroup(pods: Pods, node: Node) -> None:
    pod = pods.run()
    container = pod.start()
    cgroup = Path(f"/proc/{_shim(container.info())}/cgroup").read_text()
    assert f"orlop-monitor-{pod.id}" in cgroup
    assert cgroup != Path(f"/proc/{node.pid}/cgroup").read_text()


def test_a_shim_that_dies_is_noticed_and_its_pod_can_be_removed(own_node: Node, own_pods: Pods) -> None:
    pod = own_pods.run()
    container = pod.start()
    pid = container.info()["pid"]
    os.kill(_shim(container.info()), signal.SIGKILL)
    status = container.wait(seconds=30)
    assert (status.exit_code, status.reason) == (255, "Error")
    assert "its monitor (shim, pid" in status.message
    assert not os.path.exists(f"/proc/{pid}/exe")
    eventually(lambda: pod.status().state == NOTREADY, seconds=30)
    pod.remove()


def test_a_shim_that_dies_while_the_daemon_is_down_is_noticed(own_node: Node, own_pods: Pods) -> None:
    container = own_pods.run().start()
    info = container.info()
    own_node.kill()
    os.kill(_shim(info), signal.SIGKILL)
    own_node.start()
    assert container.wait(seconds=30).exit_code == 255
    assert not os.path.exists(f"/proc/{info['pid']}/exe")


def test_output_from_while_the_daemon_was_down_is_in_the_log_afterwards(own_node: Node, own_pods: Pods) -> None:
    command = "echo before; while [ ! -e /go ]; do sleep 0.05; done; echo during; touch /said; sleep 100000"
    container = own_pods.run().start("sh", "-c", command)
    root = f"/proc/{container.info()['pid']}/root"
    eventually(lambda: container.output() == "before\n", seconds=30)
    own_node.kill()
    os.close(os.open(f"{root}/go", os.O_CREAT | os.O_WRONLY))
    eventually(lambda: os.path.exists(f"{root}/said"), seconds=30)
    assert container.output() == "before\n"
    own_node.start()
    eventually(lambda: container.output() == "before\nduring\n", seconds=30)
    assert container.status().state == RUNNING


def test_the_shim_mounts_the_root_where_it_is_told_to(own_node: Node, own_pods: Pods) -> None:
    shim = {"type": "shim", "path": "/usr/bin/containerd-shim-runc-v2", "rootfs": "bind"}
    own_node.configure({"handlers": {"shim-runc": shim}})
    own_node.restart()
    container = own_pods.run().start("sh", "-c", "echo hello > /file; cat /file; sleep 100000")
    eventually(lambda: container.output() == "hello\n", seconds=30)
    container.stop()
    assert container.status().state == EXITED


def _stats(node: Node, container: Container) -> Any:
    return node.cri("ContainerStats", container_id=container.id).stats


def _written(node: Node, container: Container) -> int:
    return int(_stats(node, container).writable_layer.used_bytes.value)


def test_a_root_on_a_block_device_of_its_own(own_node: Node, own_pods: Pods) -> None:
    own_node.configure({"handlers": {"shim-runc": {**SHIM_RUNC, "rootfs": "block", "block_size": 64 << 20}}})
    own_node.restart()
    pod = own_pods.run()
    first, second = (pod.start("sh", "-c", "echo hello > /file; cat /file; sleep 100000") for _ in range(2))
    eventually(lambda: (first.output(), second.output()) == ("hello\n", "hello\n"), seconds=30)
    device, _, kind = first.sh("grep ' / ' /proc/mounts").split()[:3]
    assert (device.startswith("/dev/loop"), kind) == (True, "ext4")
    # The image's owners and modes, and room for what it was given and no more.
    assert first.sh("stat -c '%u %g %a' /tmp") == "0 0 1777"
    assert first.exec("sh", "-c", "head -c 100000000 /dev/zero > /big").exit_code != 0
    assert first.sh("rm /big; head -c 8000000 /dev/zero > /some; sync; echo fits") == "fits"
    assert second.sh("ls /big /some 2>/dev/null || echo separate") == "separate"
    eventually(lambda: _written(own_node, first) >= 8_000_000, seconds=60)
    own_node.restart(hard=True)
    assert first.sh("cat /file") == "hello"
    backing = Path(f"/sys/block/{device.removeprefix('/dev/')}/loop/backing_file")
    assert backing.read_text().strip().endswith(f"/containers/{first.id}/root.ext4")
    pod.remove()
    eventually(lambda: not backing.exists() or first.id not in backing.read_text(), seconds=30)


def test_the_shim_is_asked_for_figures_where_it_is_told_to(own_node: Node, own_pods: Pods) -> None:
    own_node.configure({"handlers": {"shim-runc": {**SHIM_RUNC, "stats": "shim"}}})
    own_node.restart()
    container = own_pods.run().start("sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 100000")
    stats = _stats(own_node, container)
    assert stats.cpu.usage_core_nano_seconds.value > 0
    assert 0 < stats.memory.working_set_bytes.value <= stats.memory.usage_bytes.value
    # A shim that does not answer leaves the figures out: nobody else's are told as the container's.
    shim = _shim(container.info())
    os.kill(shim, signal.SIGSTOP)
    try:
        eventually(lambda: _is_stopped(shim))  # each thread stops when it is its turn
        silent = _stats(own_node, container)
    finally:
        os.kill(shim, signal.SIGCONT)
    assert not silent.memory.HasField("usage_bytes") and not silent.cpu.HasField("usage_core_nano_seconds")
    assert silent.HasField("writable_layer")
    eventually(lambda: _stats(own_node, container).memory.usage_bytes.value > 0, seconds=60)


def _is_stopped(pid: int) -> bool:
    """Whether all its threads are (proc_pid_stat(5), state)."""
    states = (stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{pid}/task").glob("*/stat"))
    return all(state == "T" for state in states)


def test_pod_annotations_reach_the_shim_if_the_handler_lets_them(own_node: Node, own_pods: Pods) -> None:
    allowed = ["io.x.*", f"{HYPERVISOR}.default_memory"]
    own_node.configure({"handlers": {"shim-runc": {**SHIM_RUNC, "pod_annotations": allowed}}})
    own_node.restart()
    # The second of Kata's has the node's own file run as root.
    asked = {f"{HYPERVISOR}.default_memory": "512", f"{HYPERVISOR}.path": "/bin/sh"}
    asked |= {"io.x.memory": "1", "io.y.path": "/bin/sh", "io.kubernetes.cri.container-type": "sandbox"}
    size = {"cpu_period": 100000, "cpu_quota": 150000, "cpu_shares": 512, "memory_limit_in_bytes": 1 << 28}
    container = own_pods.run(annotations=asked, linux={"resources": size}).start()
    told = container.info()["runtimeSpec"]["annotations"]
    assert (told["io.x.memory"], told[f"{HYPERVISOR}.default_memory"]) == ("1", "512")
    assert not {"io.y.path", f"{HYPERVISOR}.path"} & told.keys()
    assert told["io.kubernetes.cri.container-type"] == "container"
    # Kata makes its virtual machine by what the pause container says, which comes first.
    pause = own_node.state_dir / "containers" / told["io.kubernetes.cri.sandbox-id"] / "config.json"
    told = json.loads(pause.read_text())["annotations"]
    assert (told["io.x.memory"], told[f"{HYPERVISOR}.default_memory"]) == ("1", "512")
    assert not {"io.y.path", f"{HYPERVISOR}.path"} & told.keys()
    assert {name: told[f"io.kubernetes.cri.sandbox-{name}"] for name in ("cpu-quota", "cpu-period", "memory")} == {
        "cpu-quota": "150000", "cpu-period": "100000", "memory": "268435456",
    }  # fmt: skip


@pytest.mark.parametrize("without", [False, True])
def test_privileged_containers_get_the_hosts_devices_or_not(own_node: Node, own_pods: Pods, without: bool) -> None:
    own_node.configure({"handlers": {"shim-runc": {**SHIM_RUNC, "privileged_without_host_devices": without}}})
    own_node.restart()
    pod = own_pods.run(linux={"security_context": {"privileged": True}})
    container = pod.start(linux={"security_context": {"privileged": True}})
    devices = {each["path"] for each in container.info()["runtimeSpec"]["linux"].get("devices", ())}
    root = f"/proc/{container.info()['pid']}/root"
    # One that no container has by itself.
    of_host = next(path for path in ("/dev/kmsg", "/dev/fuse", "/dev/loop-control") if os.path.exists(path))
    assert (of_host in devices, os.path.exists(root + of_host)) == (not without, not without)
    assert Path(f"{root}/dev/null").is_char_device()


def test_the_shim_tells_others_the_same(pods: Pods, node: Node) -> None:
    """Calls that no RPC needs (Pids, Stats, State), by a second client of the same shim."""
    container = pods.run().start("sh", "-c", "sleep 100000 & sleep 100001")
    info = container.info()
    cgroup = Path(f"/proc/{info['pid']}/cgroup").read_text()

    def inside(pid: str) -> bool:
        try:
            return Path(f"/proc/{pid}/cgroup").read_text() == cgroup
        except OSError:  # it has just ended
            return False

    def members() -> set[int]:
        return {int(name) for name in os.listdir("/proc") if name.isdecimal() and inside(name)}

    eventually(lambda: len(members()) >= 2, seconds=30)

    async def asked() -> tuple[TaskState, list[int], tuple[str, bytes], int]:
        bootstrap = read_bootstrap(str(node.state_dir / "containers" / container.id))
        assert bootstrap is not None
        service = TaskService(Client(await SocketStream.connect(bootstrap.socket)), bootstrap.service)
        try:
            state, pids = await service.state(container.id), await service.pids(container.id)
            return state, pids, await service.stats(container.id), await service.connect(container.id)
        finally:
            await service.aclose()

    state, pids, (kind, metrics), shim = asyncio.run(asked())
    assert (state.pid, state.running, state.ended) == (info["pid"], True, False)
    assert set(pids) == members()
    assert "Metrics" in kind and metrics
    assert shim == _shim(info)
    assert container.sh("echo alive") == "alive"
