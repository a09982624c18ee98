"""Stats of containers, and of the containers of pods: one that fails hides no other."""

import pytest

from orlop.linux.cgroups.usage import CgroupUsage
from orlop.model.errors import NotFound
from orlop.model.stats import ContainerStatsFilter
from orlop.services.container_stats import container_stats, list_container_stats
from orlop.services.container_stop import stop_container
from orlop.services.image_fs_info import image_fs_info
from orlop.services.sandbox_stats import list_pod_sandbox_stats
from tests.fakes.deck import SHARED_PID, FakeNode, container_config, pod_config

USAGE = CgroupUsage(timestamp_ns=10**18, cpu_ns=5_000, memory_usage=4096, working_set=2048, pids=3)


def measured(node: FakeNode, container: str) -> str:
    """The container's cgroup has figures."""
    node.tree.readings[node.container(container).record.cgroup] = USAGE
    return container


async def test_a_container(node: FakeNode) -> None:
    container = measured(node, await node.start(config=container_config(labels={"app": "web"})))
    stats = await container_stats(node.deck, container[:12])
    assert (stats.attributes.id, stats.attributes.labels) == (container, {"app": "web"})
    assert (stats.cpu.usage_core_nano_seconds, stats.memory.working_set_bytes) == (5_000, 2048)
    assert (stats.writable_layer.used_bytes, stats.writable_layer.inodes_used) == (700, 7)
    assert stats.writable_layer.fs_id.mountpoint == node.settings.root_dir
    with pytest.raises(NotFound):
        await container_stats(node.deck, "0" * 64)


async def test_an_ended_container_has_only_its_writable_layer(node: FakeNode) -> None:
    container = await node.start()
    await stop_container(node.deck, container, 0)
    stats = await container_stats(node.deck, container)
    assert (stats.cpu, stats.memory, stats.writable_layer.used_bytes) == (None, None, 700)
    await node.settled()


async def test_a_list_of_running_containers(node: FakeNode) -> None:
    pod, other = await node.run_pod(pod_config(spaces=SHARED_PID)), await node.run_pod(pod_config("other"))
    first = measured(node, await node.start(pod, container_config(labels={"app": "web"})))
    second = measured(node, await node.start(other))
    await node.create(other, container_config("created"))

    async def found(**conditions: object) -> list[str]:
        return [
            each.attributes.id for each in await list_container_stats(node.deck, ContainerStatsFilter(**conditions))
        ]

    assert [each.attributes.id for each in await list_container_stats(node.deck, None)] == [first, second]
    assert await found(id=first[:12]) == await found(label_selector={"app": "web"}) == [first]
    assert await found(pod_sandbox_id=other) == [second]
    assert await found(id=first, pod_sandbox_id=other) == []


async def test_one_that_cannot_be_measured_hides_no_other(node: FakeNode) -> None:
    pod, other = await node.run_pod(), await node.run_pod(pod_config("other"))
    await node.start(pod)
    whole = measured(node, await node.start(other))
    node.story.fails("roots.usage", OSError(5, "Input/output error"), times=1)
    assert [each.attributes.id for each in await list_container_stats(node.deck, None)] == [whole]
    node.story.fails("roots.usage", OSError(5, "Input/output error"), times=1)
    stats = await list_pod_sandbox_stats(node.deck, None)
    assert [(each.attributes.id, len(each.linux.containers)) for each in stats] == [(pod, 0), (other, 1)]
    node.story.fails("roots.usage", OSError(5, "Input/output error"), times=1)
    _, [containers] = await image_fs_info(node.deck)
    assert containers.used_bytes == 700
