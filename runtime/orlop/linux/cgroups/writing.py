"""Limits as writes: which value goes into which cgroup file is planned here as data; v1.py and v2.py do the writing.

Conversions follow the kernel's cgroup-v1 and cgroup-v2 documents and the OCI runtime specification's memory semantics.
"""

import errno
import math
import re

import msgspec

from orlop.model.resources import LinuxContainerResources

_PAGE_SIZE = re.compile(r"[1-9][0-9]{0,9}(KB|MB|GB)")
_UNIFIED_KEY = re.compile(r"[a-z0-9_]+(\.[A-Za-z0-9_]+)+")


class Write(msgspec.Struct, frozen=True):
    """One value for one file."""

    controller: str
    name: str
    value: str
    optional: bool = False
    """The file may be absent (a kernel without swap accounting): then there is nothing to limit."""


def cpu_weight(shares: int) -> int:
    """cgroup v2 weight (1 to 10000) of v1 shares (2 to 262144), with 1024 at v2's default of 100.

    The curve 10^((l² + 125 l) / 612 - 7/34), l = log2(shares), meets the ends and the defaults of both scales; kubelet
    and the OCI runtimes use the same one, so their writes and ours agree.
    """
    if shares <= 2:
        return 1
    if shares >= 262144:
        return 10000
    power = math.log2(shares)
    return math.ceil(10 ** ((power * power + 125 * power) / 612 - 7 / 34))


def huge_pages(resources: LinuxContainerResources, suffix: str) -> list[Write]:
    """Huge page limits; a limit of none needs no controller."""
    writes = []
    for entry in resources.hugepage_limits:
        if not _PAGE_SIZE.fullmatch(entry.page_size):
            raise OSError(errno.EINVAL, f"not a huge page size: {entry.page_size!r}")
        name = f"hugetlb.{entry.page_size}.{suffix}"
        writes.append(Write("hugetlb", name, str(entry.limit), optional=entry.limit == 0))
    return writes


def plan_v2(resources: LinuxContainerResources) -> list[Write]:
    """The writes for cgroup v2. Zero is "not set"; negative is "max"."""
    writes = []
    if resources.cpu_shares:
        writes.append(Write("cpu", "cpu.weight", str(cpu_weight(resources.cpu_shares))))
    if resources.cpu_quota or resources.cpu_period:
        quota = str(resources.cpu_quota) if resources.cpu_quota > 0 else "max"
        writes.append(Write("cpu", "cpu.max", f"{quota} {resources.cpu_period or 100000}"))
    if resources.cpuset_cpus:
        writes.append(Write("cpuset", "cpuset.cpus", resources.cpuset_cpus))
    if resources.cpuset_mems:
        writes.append(Write("cpuset", "cpuset.mems", resources.cpuset_mems))
    memory, both = resources.memory_limit_in_bytes, resources.memory_swap_limit_in_bytes
    if both:
        swap = _swap_alone(memory, both)
        writes.append(Write("memory", "memory.swap.max", swap, optional=swap in ("0", "max")))
    if memory:
        writes.append(Write("memory", "memory.max", str(memory) if memory > 0 else "max"))
    writes += huge_pages(resources, "max")
    for key, value in resources.unified.items():
        if not _UNIFIED_KEY.fullmatch(key) or "\n" in value.strip():
            raise OSError(errno.EINVAL, f"not a cgroup v2 setting: {key!r}={value!r}")
        writes.append(Write(key.partition(".")[0], key, value))
    return writes


def _swap_alone(memory: int, both: int) -> str:
    """v1 counts memory and swap together, v2 swap alone."""
    if both < 0:
        return "max"
    if memory <= 0 or both < memory:
        raise OSError(errno.EINVAL, f"memory and swap limit {both} is below the memory limit {memory}")
    return str(both - memory)


def plan_v1(resources: LinuxContainerResources) -> list[Write]:
    """The writes for cgroup v1 but memory's two, whose order depends on the present limits (v1.py)."""
    if resources.unified:
        raise OSError(errno.ENOTSUP, f"cgroup v2 settings on a cgroup v1 node: {', '.join(resources.unified)}")
    writes = []
    if resources.cpu_shares:
        writes.append(Write("cpu", "cpu.shares", str(resources.cpu_shares)))
    if resources.cpu_period:
        writes.append(Write("cpu", "cpu.cfs_period_us", str(resources.cpu_period)))
    if resources.cpu_quota:
        writes.append(Write("cpu", "cpu.cfs_quota_us", str(max(resources.cpu_quota, -1))))
    if resources.cpuset_cpus:
        writes.append(Write("cpuset", "cpuset.cpus", resources.cpuset_cpus))
    if resources.cpuset_mems:
        writes.append(Write("cpuset", "cpuset.mems", resources.cpuset_mems))
    return writes + huge_pages(resources, "limit_in_bytes")
