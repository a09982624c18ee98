"""Merging of limits: what is not set stays."""

import pytest

from orlop.model.resources import LinuxContainerResources
from orlop.services.container_update import merged, with_swap


def test_only_what_is_set_changes():
    old = LinuxContainerResources(cpu_shares=512, memory_limit_in_bytes=1 << 20, oom_score_adj=900, cpuset_cpus="0")
    new = LinuxContainerResources(cpu_quota=5000, memory_limit_in_bytes=2 << 20)
    assert merged(old, new) == LinuxContainerResources(
        cpu_shares=512, cpu_quota=5000, memory_limit_in_bytes=2 << 20, oom_score_adj=900, cpuset_cpus="0"
    )


@pytest.mark.parametrize(
    ("both", "memory", "swap", "result"),
    [
        (96, 80, 0, 96),  # the old sum still has room for the new limit
        (-1, 80, 0, -1),
        (96, 128, 0, 0),  # it has not: no swap, as for a new container
        (0, 80, 0, 0),
        (96, 80, 88, 88),
        (96, 0, 0, 0),
    ],
)
def test_a_new_memory_limit_keeps_the_swap_that_there_was(both: int, memory: int, swap: int, result: int) -> None:
    old = LinuxContainerResources(memory_limit_in_bytes=64, memory_swap_limit_in_bytes=both)
    new = LinuxContainerResources(memory_limit_in_bytes=memory, memory_swap_limit_in_bytes=swap)
    assert with_swap(old, new).memory_swap_limit_in_bytes == result
