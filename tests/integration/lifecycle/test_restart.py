"""The daemon ends, politely or not, with pods running; started again it knows everything and has missed nothing."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import cgroups, leaks, privacy
from tests.harness.cri import Cri, refused
from tests.harness.node import Node
from tests.harness.pods import EXITED, NOTREADY, READY, RUNNING, Container, Pod, Pods, eventually
from tests.integration.lifecycle.conftest import each_handler

hard_or_soft = pytest.mark.parametrize("hard", [False, True], ids=["term", "kill"])


def _shown(cri: Cri, pod: Pod, *containers: Container) -> list[Any]:
    """Everything that the CRI says of these, without the answer's own time."""
    statuses = [pod.status(), *(container.status() for container in containers)]
    lists = [cri("ListPodSandbox").items, cri("ListContainers").containers, cri("ListImages").images]
    return [*statuses, *(sorted(map(str, items)) for items in lists)]


@each_handler
@hard_or_soft
def test_pods_and_containers_are_as_before(own_node: Node, own_pods: Pods, hard: bool) -> None:
    pod = own_pods.run(labels={"a": "b"}, port_mappings=[{"container_port": 80, "host_port": 18090}])
    created, running, exited = pod.create(), pod.start(), pod.start("sh", "-c", "exit 3")
    exited.wait()
    before = _shown(own_node.cri, pod, created, running, exited)
    own_node.restart(hard=hard)
    assert _shown(own_node.cri, pod, created, running, exited) == before
    assert running.sh("echo alive") == "alive"
    created.start()
    assert created.status().state == RUNNING
    running.stop()
    assert running.status().state == EXITED


@each_handler
def test_containers_do_not_notice(own_node: Node, own_pods: Pods) -> None:
    ticks = "n=0; while :; do n=$((n+1)); echo $n; sleep 0.02; done"
    container = own_pods.run().start("sh", "-c", ticks)
    eventually(lambda: len(container.log()) > 5)
    own_node.kill()
    down = len(container.log())
    time.sleep(0.5)
    if not own_pods.handler.startswith("shim-"):  # there it waits in the fifo until the daemon is back
        assert len(container.log()) > down + 5
    own_node.start()
    eventually(lambda: len(container.log()) > down + 20, seconds=30)
    numbers = [int(line.text) for line in container.log()]
    assert numbers == list(range(1, len(numbers) + 1))


@each_handler
@hard_or_soft
def test_exits_while_it_was_down_are_told_with_code_and_time(own_node: Node, own_pods: Pods, hard: bool) -> None:
    pod = own_pods.run()
    container = pod.start("sh", "-c", "trap 'exit 42' TERM; sleep 1000 & wait")
    pid = _pid(container)
    own_node.kill() if hard else own_node.stop()
    ended = time.time_ns()
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not os.path.exists(f"/proc/{pid}/exe") or not os.path.exists(f"/proc/{pid}"))
    time.sleep(0.5)
    own_node.start()
    status = container.wait(seconds=30)
    assert (status.exit_code, status.reason) == (42, "Error")
    # A file's time is that of the kernel's last tick, up to ten milliseconds ago.
    assert ended - 10_000_000 <= status.finished_at <= ended + 1_000_000_000


def test_an_out_of_memory_end_while_it_was_down_is_told(own_node: Node, own_pods: Pods) -> None:
    limits = {"resources": {"memory_limit_in_bytes": 24 << 20, "memory_swap_limit_in_bytes": 24 << 20}}
    command = "until [ -e /go ]; do sleep 0.05; done; exec tail -c 200000000 /dev/zero"
    container = own_pods.run().start("sh", "-c", command, linux=limits)
    pid = _pid(container)
    own_node.kill()
    # Through the container's root as the kernel shows it: the daemon is down.
    os.close(os.open(f"/proc/{pid}/root/go", os.O_CREAT | os.O_WRONLY))
    eventually(lambda: not os.path.exists(f"/proc/{pid}/exe"), seconds=10)
    own_node.start()
    status = container.wait(seconds=30)
    assert (status.exit_code, status.reason) == (137, "OOMKilled")


def test_what_a_killed_daemon_left_frozen_goes_on(own_node: Node, own_pods: Pods) -> None:
    """It freezes a container while it ends a probe that took too long, and while it takes a checkpoint."""
    container = own_pods.run().start()
    cgroup = container.info()["cgroup"]
    own_node.kill()
    if cgroups.is_v2():
        Path(f"/sys/fs/cgroup{cgroup}/cgroup.freeze").write_text("1")
    else:
        Path(f"/sys/fs/cgroup/freezer{cgroup}/freezer.state").write_text("FROZEN")
    own_node.start()
    assert container.sh("echo alive") == "alive"


def test_a_killed_monitor_is_noticed(own_node: Node, own_pods: Pods) -> None:
    container = own_pods.run().start()
    monitor = container.info()["monitorPid"]
    os.kill(monitor, signal.SIGKILL)
    status = container.wait(seconds=30)
    assert status.exit_code == 255
    assert not os.path.exists(f"/proc/{container.info()['pid'] or 999999}/exe")


def test_a_monitor_killed_while_it_was_down_is_noticed(own_node: Node, own_pods: Pods) -> None:
    container = own_pods.run().start()
    monitor = container.info()["monitorPid"]
    own_node.kill()
    os.kill(monitor, signal.SIGKILL)
    own_node.start()
    assert container.wait(seconds=30).exit_code == 255


def test_a_pod_can_be_stopped_and_removed_afterwards(own_node: Node, own_pods: Pods) -> None:
    before = leaks.take()
    pod = own_pods.run(port_mappings=[{"container_port": 80, "host_port": 18091}])
    pod.start()
    own_node.restart(hard=True)
    pod.stop()
    assert pod.status().state == NOTREADY
    own_node.restart(hard=True)
    assert pod.status().state == NOTREADY
    pod.remove()
    assert own_node.network.leases() == set()
    # The daemon itself and the bridge are others than before.
    lines = leaks.settle(before, seconds=3)
    assert [line for line in lines if not line.startswith(("+ process", "- process", "+ interface: ot"))] == []


@each_handler
def test_killed_in_the_middle_of_making_a_pod_nothing_is_left(
    own_node: Node, own_pods: Pods, image: str, new_node: Callable[..., Node]
) -> None:
    # Killed at many moments of the making, which takes some tens of milliseconds.
    for delay in (0.0, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15):
        config = own_pods.config()
        call = own_node.cri.future("RunPodSandbox", config=config, runtime_handler=own_pods.handler)
        time.sleep(delay)
        own_node.kill()
        call.cancel()
        own_node.start()
        pod = own_pods.run_as(config)
        assert pod.status().state == READY
        pod.start().stop()
        own_pods.remove_all()
        eventually(lambda: own_node.network.leases() == set(), seconds=10)
    assert own_node.cri("ListPodSandbox").items == []


@each_handler
def test_killed_in_the_middle_of_making_a_container_nothing_is_left(own_node: Node, own_pods: Pods) -> None:
    pod = own_pods.run()
    first = pod.start("sleep", "100000")  # one process
    process = Path(f"/proc/{first.info()['pid']}/cmdline")
    eventually(lambda: process.read_bytes() == b"sleep\0" + b"100000\0")  # until then it is the runtime's
    base = first.config
    before = leaks.take()
    for number, delay in enumerate((0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12)):
        config = {**base, "metadata": {"name": f"cut{number}"}, "log_path": f"cut{number}.log"}
        fields = {"pod_sandbox_id": pod.id, "config": config, "sandbox_config": pod.config}
        call = own_node.cri.future("CreateContainer", **fields)
        time.sleep(delay)
        own_node.kill()
        call.cancel()
        own_node.start()
        again = own_node.cri("CreateContainer", **fields).container_id
        own_node.cri("StartContainer", container_id=again)
        own_node.cri("RemoveContainer", container_id=again)
    lines = leaks.settle(before)
    assert [line for line in lines if "orlopd" not in line and "daemon_main" not in line] == []


def test_a_second_daemon_on_the_same_state_is_refused(own_node: Node) -> None:
    second = own_node.start_another()
    assert second.status != 0
    assert str(own_node.state_dir) in second.output
    assert own_node.cri("Version").runtime_name


def test_a_pod_whose_namespace_was_taken_away_is_not_ready(own_node: Node, own_pods: Pods) -> None:
    pod = own_pods.run()
    path = pod.info()["namespaces"]["net"]
    own_node.kill()
    privacy.unmount(path)  # as a careless administrator would
    own_node.start()
    assert pod.status().state == NOTREADY
    with refused("FAILED_PRECONDITION", "network"):
        pod.create()
    own_pods.remove_all()
    # Without the namespace Debian's bridge plugin cannot find its masquerading rule again. Nobody else's is here now.
    subprocess.run(["nft", "flush", "ruleset"], check=True)


def test_after_a_reboot_addresses_are_given_back(own_node: Node, own_pods: Pods) -> None:
    """What lasts is the disk: CNI's results and leases. State, namespaces, interfaces, rules and cgroups have gone."""
    pods = [own_pods.run() for _ in range(2)]
    results = own_node.network.cache_dir / "results"
    assert len(own_node.network.leases()) == len(list(results.iterdir())) == 2
    own_node.kill()
    own_node.forget_volatile(pod.id for pod in pods)
    subprocess.run(["ip", "link", "del", own_node.network.bridge], check=True)
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    own_node.start()
    assert own_node.cri("ListPodSandbox").items == []
    eventually(lambda: (own_node.network.leases(), list(results.iterdir())) == (set(), []))
    eventually(lambda: own_node.log().count("which was owed, has worked") == 2)
    own_pods.made.clear()
    own_pods.run().start().stop()
    own_pods.remove_all()
    assert own_node.network.leases() == set()


def _pid(container: Container) -> int:
    return int(container.info()["pid"])
