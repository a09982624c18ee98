"""Usage figures: they move with what a container does, and are there for each pod and container."""

import time
from pathlib import Path

import pytest

from tests.harness.cri import Cri, refused
from tests.harness.pods import Pods, eventually
from tests.integration.lifecycle.conftest import each_handler


@each_handler
def test_a_containers_figures_follow_what_it_does(pods: Pods, cri: Cri) -> None:
    container = pods.run().start()
    before = cri("ContainerStats", container_id=container.id).stats
    container.sh("dd if=/dev/zero of=/dev/shm/fill bs=1M count=30 2>/dev/null; head -c 3000000 /dev/urandom > /file")
    after = cri("ContainerStats", container_id=container.id).stats
    assert after.attributes.id == container.id
    assert after.cpu.usage_core_nano_seconds.value > before.cpu.usage_core_nano_seconds.value
    assert after.cpu.timestamp > before.cpu.timestamp
    assert after.memory.usage_bytes.value >= before.memory.usage_bytes.value + (30 << 20)
    assert after.memory.working_set_bytes.value > 30 << 20


def _pressure_is_told() -> bool:
    """PSI of cgroups is version 2's; a kernel may have it switched off (Documentation/accounting/psi.rst)."""
    try:
        return Path("/sys/fs/cgroup/cgroup.controllers").exists() and bool(Path("/proc/pressure/cpu").read_text())
    except OSError:
        return False


@pytest.mark.skipif(not _pressure_is_told(), reason="this kernel tells no pressure of cgroups (version 1, or psi=0)")
def test_pressure_is_told_of_each_resource(pods: Pods, cri: Cri) -> None:
    """The virtual machine shows it where the tests' machine cannot (docs/testing.md)."""
    container = pods.run().start("sh", "-c", "while :; do :; done")
    stats = cri("ContainerStats", container_id=container.id).stats
    for figures in (stats.cpu, stats.memory, stats.io):
        assert figures.psi.HasField("Some") and figures.psi.HasField("Full")


def test_the_writable_layer_is_measured(pods: Pods, cri: Cri) -> None:
    container = pods.run().start()
    container.sh("head -c 3000000 /dev/zero > /file; sync /file")
    eventually(
        lambda: cri("ContainerStats", container_id=container.id).stats.writable_layer.used_bytes.value >= 3000000,
        seconds=15,
    )


def test_cpu_rate_is_the_average_since_the_last_reading(pods: Pods, cri: Cri) -> None:
    container = pods.run().start("sh", "-c", "while :; do :; done")
    cri("ContainerStats", container_id=container.id)
    time.sleep(1.5)
    rate = cri("ContainerStats", container_id=container.id).stats.cpu.usage_nano_cores.value
    assert 50_000_000 < rate < 1_500_000_000


def test_lists_are_filtered(pods: Pods, cri: Cri) -> None:
    pod = pods.run(labels={"kind": "one"})
    one, two = pod.start(labels={"kind": "x"}), pod.start()
    other = pods.run().start(labels={"kind": "x"})

    def ids(**filter: object) -> set[str]:
        return {item.attributes.id for item in cri("ListContainerStats", filter=filter).stats}

    assert {one.id, two.id, other.id} <= ids()
    assert ids(id=one.id) == {one.id}
    assert ids(pod_sandbox_id=pod.id) == {one.id, two.id}
    assert ids(label_selector={"kind": "x"}) == {one.id, other.id}
    assert [item.attributes.id for item in cri("ListPodSandboxStats", filter={"id": pod.id}).stats] == [pod.id]


def test_a_pods_figures_hold_its_containers_and_its_network(pods: Pods, cri: Cri) -> None:
    pod = pods.run()
    container = pod.start()
    container.sh("ping -c 3 -i 0.2 127.0.0.1 > /dev/null 2>&1; wget -q -T 1 -O - http://10.0.0.1/ || true")
    stats = cri("PodSandboxStats", pod_sandbox_id=pod.id).stats
    assert stats.attributes.id == pod.id
    assert [item.attributes.id for item in stats.linux.containers] == [container.id]
    assert stats.linux.process.process_count.value >= 1
    assert stats.linux.cpu.usage_core_nano_seconds.value > 0
    assert stats.linux.memory.working_set_bytes.value > 0
    assert stats.linux.network.default_interface.name == "eth0"
    assert stats.linux.network.default_interface.tx_bytes.value > 0


def test_ended_and_unknown_things_have_no_figures(pods: Pods, cri: Cri) -> None:
    pod = pods.run()
    ended = pod.start("true")
    ended.wait()
    assert ended.id not in {item.attributes.id for item in cri("ListContainerStats").stats if item.cpu.timestamp}
    with refused("NOT_FOUND", "e" * 64):
        cri("PodSandboxStats", pod_sandbox_id="e" * 64)
