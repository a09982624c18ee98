"""Limits in the kernel's own files: at creation, after an update, and in the pod's cgroup."""

from pathlib import Path
from typing import Any

import pytest

from tests.harness import cgroups
from tests.harness.cri import Cri, refused
from tests.harness.foreign import ours
from tests.harness.node import Node
from tests.harness.pods import CONTAINER, Container, Pods
from tests.integration.lifecycle.conftest import each_handler

MIB = 1 << 20


def _linux(**resources: Any) -> dict[str, Any]:
    return {"resources": resources, "security_context": {"namespace_options": {"pid": CONTAINER}}}


def cgroup_of(container: Container, controller: str) -> Path:
    """Directory of the container's cgroup in a controller's hierarchy."""
    for line in Path(f"/proc/{container.info()['pid']}/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(",") or (cgroups.is_v2() and not names):
            return cgroups.ROOT / (controller if names else "") / path.lstrip("/")
    raise AssertionError(f"no cgroup of {controller}")


def _value(container: Container, controller: str, v1: str, v2: str) -> str:
    return (cgroup_of(container, controller) / (v2 if cgroups.is_v2() else v1)).read_text().strip()


def _memory(container: Container) -> int:
    return int(_value(container, "memory", "memory.limit_in_bytes", "memory.max"))


def _quota(container: Container) -> tuple[int, int]:
    if cgroups.is_v2():
        quota, period = _value(container, "cpu", "", "cpu.max").split()
        return -1 if quota == "max" else int(quota), int(period)
    quota = _value(container, "cpu", "cpu.cfs_quota_us", "")
    return int(quota), int(_value(container, "cpu", "cpu.cfs_period_us", ""))


@each_handler
def test_limits_are_in_the_cgroup(pods: Pods) -> None:
    limits = {"memory_limit_in_bytes": 64 * MIB, "cpu_quota": 50000, "cpu_period": 100000, "cpu_shares": 512}
    container = pods.run().start(linux=_linux(**limits, cpuset_cpus="0"))
    assert _memory(container) == 64 * MIB
    assert _quota(container) == (50000, 100000)
    assert _value(container, "cpuset", "cpuset.cpus", "cpuset.cpus") == "0"
    if not cgroups.is_v2():
        assert _value(container, "cpu", "cpu.shares", "") == "512"


@each_handler
def test_an_update_changes_what_it_names_and_status_tells(pods: Pods, cri: Cri) -> None:
    container = pods.run().start(linux=_linux(memory_limit_in_bytes=64 * MIB, cpu_quota=50000, cpu_period=100000))
    cri("UpdateContainerResources", container_id=container.id, linux={"memory_limit_in_bytes": 96 * MIB})
    assert _memory(container) == 96 * MIB
    assert _quota(container) == (50000, 100000)
    shown = container.status().resources.linux
    assert (shown.memory_limit_in_bytes, shown.cpu_quota) == (96 * MIB, 50000)


@each_handler
def test_a_cpu_quota_is_taken_away_again(pods: Pods, cri: Cri) -> None:
    """A resize to no CPU limit is a quota of -1, alone or with others: on cgroup v1 crun 1.8.1 fails to write it."""
    limited = {"cpu_quota": 50000, "cpu_period": 100000}
    container = pods.run().start(linux=_linux(**limited, memory_limit_in_bytes=64 * MIB))
    for others in ({}, {"cpu_period": 100000, "memory_limit_in_bytes": 80 * MIB}):
        cri("UpdateContainerResources", container_id=container.id, linux=limited)
        assert _quota(container) == (50000, 100000)
        cri("UpdateContainerResources", container_id=container.id, linux={"cpu_quota": -1, **others})
        assert _quota(container) == (-1, 100000)
        assert container.status().resources.linux.cpu_quota == -1
    assert _memory(container) == 80 * MIB
    cri("UpdateContainerResources", container_id=container.id, linux={"cpu_shares": 512})
    assert _quota(container) == (-1, 100000), "nothing brings the old one back"


@each_handler
def test_a_container_may_ask_for_no_cpu_quota(pods: Pods) -> None:
    assert _quota(pods.run().start(linux=_linux(cpu_quota=-1, cpu_period=100000))) == (-1, 100000)


def test_an_update_of_a_created_container_holds_after_its_start(pods: Pods, cri: Cri) -> None:
    container = pods.run().create(linux=_linux(memory_limit_in_bytes=64 * MIB))
    cri("UpdateContainerResources", container_id=container.id, linux={"memory_limit_in_bytes": 80 * MIB})
    container.start()
    assert _memory(container) == 80 * MIB


def test_a_limit_below_what_is_used_is_refused_with_both_numbers(pods: Pods, cri: Cri) -> None:
    container = pods.run().start(linux=_linux(memory_limit_in_bytes=64 * MIB))
    container.sh("dd if=/dev/zero of=/dev/shm/fill bs=1M count=20 2>/dev/null")
    with refused("FAILED_PRECONDITION", str(4 * MIB)):
        cri("UpdateContainerResources", container_id=container.id, linux={"memory_limit_in_bytes": 4 * MIB})
    assert _memory(container) == 64 * MIB


@ours("an ended container takes no update")
def test_an_ended_container_takes_no_update(pods: Pods, cri: Cri) -> None:
    container = pods.run().start("true")
    container.wait()
    with refused("FAILED_PRECONDITION"):
        cri("UpdateContainerResources", container_id=container.id, linux={"cpu_shares": 100})


@each_handler
@pytest.mark.parametrize("score", [0, 500, 1000])
def test_oom_score(pods: Pods, score: int) -> None:
    container = pods.run().start(linux=_linux(oom_score_adj=score))
    assert int(container.sh("cat /proc/1/oom_score_adj")) == score


def test_a_score_that_may_not_be_had_is_raised_to_what_may(pods: Pods) -> None:
    # Without CAP_SYS_RESOURCE nobody may go below his own score: the container still starts.
    container = pods.run().start(linux=_linux(oom_score_adj=-998))
    assert int(container.sh("cat /proc/1/oom_score_adj")) in (-998, int(Path("/proc/self/oom_score_adj").read_text()))


@each_handler
def test_containers_live_below_the_pods_cgroup(pods: Pods) -> None:
    parent = f"{cgroups.PODS}/pod-of-the-kubelet"
    pod = pods.run(linux={"cgroup_parent": parent})
    for container in (pod.start(), pod.start()):
        assert parent in str(cgroup_of(container, "memory"))


def test_pods_without_a_parent_live_below_the_configured_one(pods: Pods, node: object) -> None:
    assert cgroups.PODS in str(cgroup_of(pods.run().start(), "memory"))


def test_a_slice_is_refused_by_the_cgroupfs_driver(pods: Pods, node: object) -> None:
    with refused("INVALID_ARGUMENT", "cgroup_parent", "kubepods-pod1.slice"):
        pods.run(linux={"cgroup_parent": "kubepods-pod1.slice"})


def test_a_resized_pods_figures_are_kept_over_a_restart(own_node: Node, own_pods: Pods) -> None:
    pod = own_pods.run(linux={"overhead": {"cpu_shares": 2}, "resources": {"memory_limit_in_bytes": 64 * MIB}})
    assert pod.info()["resources"] == {"memory_limit_in_bytes": 64 * MIB}
    update = {"resources": {"memory_limit_in_bytes": 96 * MIB, "cpu_quota": 50000, "cpu_period": 100000}}
    own_node.cri("UpdatePodSandboxResources", pod_sandbox_id=pod.id[:12], **update)
    own_node.restart(hard=True)
    info = pod.info()
    assert info["resources"] == update["resources"]
    assert info["overhead"] == {"cpu_shares": 2}, "what is not given stays"
    own_node.cri("UpdatePodSandboxResources", pod_sandbox_id=pod.id, overhead={"cpu_shares": 4})
    assert (pod.info()["overhead"], pod.info()["resources"]) == ({"cpu_shares": 4}, update["resources"])


def test_an_unknown_pod_cannot_be_resized(cri: Cri) -> None:
    with refused("NOT_FOUND", "pod sandbox", "e" * 64):
        cri("UpdatePodSandboxResources", pod_sandbox_id="e" * 64, resources={"cpu_shares": 2})


@each_handler
def test_swap_is_limited_with_memory(pods: Pods, cri: Cri) -> None:
    """LimitedSwap gives a limit of both together; without a word (NoSwap) a limited container gets none."""
    probe = Path("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")
    if not cgroups.is_v2() and not probe.exists():
        pytest.skip(f"this kernel does not account swap: no {probe}")
    pod = pods.run()

    def swap(container: Container) -> int:
        value = int(_value(container, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max"))
        return value if cgroups.is_v2() else value - _memory(container)

    assert swap(pod.start(linux=_linux(memory_limit_in_bytes=64 * MIB))) == 0
    some = pod.start(linux=_linux(memory_limit_in_bytes=64 * MIB, memory_swap_limit_in_bytes=96 * MIB))
    assert swap(some) == 32 * MIB
    assert some.status().resources.linux.memory_swap_limit_in_bytes == 96 * MIB
    changed = {"memory_limit_in_bytes": 64 * MIB, "memory_swap_limit_in_bytes": 80 * MIB}
    cri("UpdateContainerResources", container_id=some.id, linux=changed)
    assert swap(some) == 16 * MIB
    assert some.status().resources.linux.memory_swap_limit_in_bytes == 80 * MIB


@ours("what cgroup v1 cannot do is refused")
def test_memory_qos_needs_cgroup_v2(pods: Pods) -> None:
    linux = _linux(memory_limit_in_bytes=64 * MIB, unified={"memory.min": str(8 * MIB), "memory.high": str(32 * MIB)})
    if not cgroups.is_v2():
        with refused("INVALID_ARGUMENT", "resources.unified", "cgroup v1"):
            pods.run().create(linux=linux)
        return
    container = pods.run().start(linux=linux)
    assert _value(container, "memory", "", "memory.min") == str(8 * MIB)
    assert _value(container, "memory", "", "memory.high") == str(32 * MIB)


@each_handler
def test_huge_pages_are_limited(pods: Pods) -> None:
    """As the kubelet asks: every size of the node, most of them with a limit of none."""
    probe = "hugetlb.2MB.max" if cgroups.is_v2() else "hugetlb.2MB.limit_in_bytes"
    limits = [{"page_size": "2MB", "limit": 4 * MIB}, {"page_size": "1GB", "limit": 0}]
    container = pods.run().start(linux=_linux(hugepage_limits=limits))
    directory = cgroup_of(container, "hugetlb")
    if not (directory / probe).exists():
        pytest.skip(f"this kernel limits no huge pages of 2MB: no {directory / probe}")
    assert int((directory / probe).read_text()) == 4 * MIB
    big = directory / probe.replace("2MB", "1GB")
    assert not big.exists() or int(big.read_text()) == 0
