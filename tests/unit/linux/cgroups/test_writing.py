"""Limits planned as writes, for both versions."""

import errno

import pytest

from orlop.linux.cgroups.writing import Write, cpu_weight, plan_v1, plan_v2
from orlop.model.resources import HugepageLimit, LinuxContainerResources


def _values(writes: list[Write]) -> dict[str, str]:
    return {write.name: write.value for write in writes}


@pytest.mark.parametrize(
    ("shares", "weight"), [(0, 1), (2, 1), (1024, 100), (262144, 10000), (10**9, 10000), (512, 60), (2048, 170)]
)
def test_weight_meets_ends_and_default(shares: int, weight: int) -> None:
    assert abs(cpu_weight(shares) - weight) <= (0 if shares in (0, 2, 1024, 262144, 10**9) else 10)


def test_weight_grows_with_shares() -> None:
    weights = [cpu_weight(shares) for shares in range(2, 262145, 97)]
    assert weights == sorted(weights)
    assert 1 <= weights[0] <= weights[-1] <= 10000


def test_v2_values() -> None:
    resources = LinuxContainerResources(
        cpu_shares=1024,
        cpu_period=50000,
        cpu_quota=25000,
        cpuset_cpus="0-1",
        cpuset_mems="0",
        memory_limit_in_bytes=1000,
        memory_swap_limit_in_bytes=1500,
        hugepage_limits=(HugepageLimit(page_size="2MB", limit=4 << 20),),
        unified={"memory.high": "900", "io.bfq.weight": "50"},
    )
    assert _values(plan_v2(resources)) == {
        "cpu.weight": "100",
        "cpu.max": "25000 50000",
        "cpuset.cpus": "0-1",
        "cpuset.mems": "0",
        "memory.max": "1000",
        "memory.swap.max": "500",
        "hugetlb.2MB.max": str(4 << 20),
        "memory.high": "900",
        "io.bfq.weight": "50",
    }


def test_unset_writes_nothing() -> None:
    assert plan_v2(LinuxContainerResources()) == []
    assert plan_v1(LinuxContainerResources()) == []


def test_v2_unlimited() -> None:
    resources = LinuxContainerResources(cpu_quota=-1, memory_limit_in_bytes=-1, memory_swap_limit_in_bytes=-1)
    assert _values(plan_v2(resources)) == {
        "cpu.max": "max 100000",
        "memory.max": "max",
        "memory.swap.max": "max",
    }


def test_swap_may_be_unaccounted_only_when_nothing_is_allowed_or_limited() -> None:
    def optional(both: int) -> bool:
        resources = LinuxContainerResources(memory_limit_in_bytes=1000, memory_swap_limit_in_bytes=both)
        return next(write.optional for write in plan_v2(resources) if write.name == "memory.swap.max")

    assert [optional(1000), optional(-1), optional(1500)] == [True, True, False]


@pytest.mark.parametrize(
    ("resources", "number", "words"),
    [
        (
            LinuxContainerResources(memory_limit_in_bytes=10, memory_swap_limit_in_bytes=5),
            errno.EINVAL,
            "limit 5 .* 10",
        ),
        (LinuxContainerResources(memory_swap_limit_in_bytes=5), errno.EINVAL, "limit 5"),
        (LinuxContainerResources(unified={"../../etc/passwd": "x"}), errno.EINVAL, "etc/passwd"),
        (LinuxContainerResources(unified={"cgroup": "x"}), errno.EINVAL, "'cgroup'"),
        (LinuxContainerResources(unified={"memory.high": "1\n2"}), errno.EINVAL, "memory.high"),
        (LinuxContainerResources(hugepage_limits=(HugepageLimit(page_size="../2MB"),)), errno.EINVAL, "2MB"),
    ],
)
def test_v2_refuses(resources: LinuxContainerResources, number: int, words: str) -> None:
    with pytest.raises(OSError, match=words) as caught:
        plan_v2(resources)
    assert caught.value.errno == number


def test_v1_values_and_order() -> None:
    resources = LinuxContainerResources(
        cpu_shares=512,
        cpu_period=100000,
        cpu_quota=-5,
        cpuset_cpus="1",
        hugepage_limits=(HugepageLimit(page_size="1GB"),),
    )
    writes = plan_v1(resources)
    assert _values(writes) == {
        "cpu.shares": "512",
        "cpu.cfs_period_us": "100000",
        "cpu.cfs_quota_us": "-1",
        "cpuset.cpus": "1",
        "hugetlb.1GB.limit_in_bytes": "0",
    }
    assert [write.name for write in writes if write.optional] == ["hugetlb.1GB.limit_in_bytes"]


def test_v1_refuses_unified() -> None:
    with pytest.raises(OSError, match=r"memory\.high") as caught:
        plan_v1(LinuxContainerResources(unified={"memory.high": "1"}))
    assert caught.value.errno == errno.ENOTSUP
