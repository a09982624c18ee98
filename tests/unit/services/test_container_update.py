"""UpdateContainerResources: what is not set stays, and only what was applied is on record."""

import json

import msgspec
import pytest

from orlop.linux.cgroups.usage import CgroupUsage
from orlop.model.errors import FailedPrecondition, OrlopError
from orlop.model.resources import LinuxContainerResources
from orlop.services.container_update import merged, update_container_resources, with_swap
from tests.fakes.deck import FakeNode


def test_only_what_is_set_changes():
    old = LinuxContainerResources(cpu_shares=512, memory_limit_in_bytes=1 << 20, oom_score_adj=900, cpuset_cpus="0")
    new = LinuxContainerResources(cpu_quota=5000, memory_limit_in_bytes=2 << 20)
    assert merged(old, new) == LinuxContainerResources(
        cpu_shares=512, cpu_quota=5000, memory_limit_in_bytes=2 << 20, oom_score_adj=900, cpuset_cpus="0"
    )


LIMITS = LinuxContainerResources(cpu_shares=512, memory_limit_in_bytes=1 << 20)


async def test_limits_go_to_the_runtime_and_onto_the_record(node: FakeNode) -> None:
    container = await node.start()
    await update_container_resources(node.deck, container, LIMITS)
    await update_container_resources(node.deck, container, LinuxContainerResources(cpu_shares=256))
    assert node.container(container).status.resources == msgspec.structs.replace(LIMITS, cpu_shares=256)
    assert json.loads(node.runtime.resources())["cpu"]["shares"] == 256


async def test_a_refused_update_is_not_on_record(node: FakeNode) -> None:
    container = await node.start()
    node.runtime.fails("update", "invalid cpuset")
    with pytest.raises(OrlopError, match=r"container main of pod default/web: update its resources: .*invalid cpuset"):
        await update_container_resources(node.deck, container, LIMITS)
    assert node.container(container).status.resources == LinuxContainerResources()


async def test_a_limit_below_what_is_used_is_refused(node: FakeNode) -> None:
    container = await node.start()
    node.tree.readings[node.container(container).record.cgroup] = CgroupUsage(timestamp_ns=1, memory_usage=2 << 20)
    with pytest.raises(FailedPrecondition, match="memory limit 1048576 is below the 2097152 bytes"):
        await update_container_resources(node.deck, container, LIMITS)
    assert node.story.asked("runtime.update") == []


async def test_an_ended_container_is_not_updated(node: FakeNode) -> None:
    container = await node.start()
    node.conmon.ends(container)
    await node.exit_of(container)
    with pytest.raises(FailedPrecondition, match="it has ended"):
        await update_container_resources(node.deck, container, LIMITS)


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
