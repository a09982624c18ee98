"""Stats of pods."""

from orlop.linux.cgroups.usage import CgroupUsage
from orlop.model.stats import PodSandboxStatsFilter
from orlop.services.sandbox_stats import list_pod_sandbox_stats, pod_sandbox_stats
from orlop.services.sandbox_stop import stop_pod_sandbox
from tests.fakes.deck import NODE_NETWORK, SHARED_PID, FakeNode, pod_config

USAGE = CgroupUsage(timestamp_ns=10**18, cpu_ns=5_000, memory_usage=4096, working_set=2048, pids=3)


def measured(node: FakeNode, container: str) -> str:
    """The container's cgroup has figures."""
    node.tree.readings[node.container(container).record.cgroup] = USAGE
    return container


async def test_a_pod(node: FakeNode) -> None:
    pod = await node.run_pod(pod_config(spaces=NODE_NETWORK, labels={"app": "web"}))
    container = measured(node, await node.start(pod))
    node.tree.readings[f"/orlop/pod-{pod}"] = USAGE
    stats = await pod_sandbox_stats(node.deck, pod)
    assert (stats.attributes.id, stats.attributes.labels) == (pod, {"app": "web"})
    assert (stats.linux.cpu.usage_core_nano_seconds, stats.linux.process.process_count) == (5_000, 3)
    assert [each.attributes.id for each in stats.linux.containers] == [container]
    assert stats.linux.network is None


async def test_a_pause_process_is_no_container_of_its_pod(node: FakeNode) -> None:
    pod = await node.run_pod(pod_config(spaces=SHARED_PID))
    assert (await pod_sandbox_stats(node.deck, pod)).linux.containers == ()


async def test_a_list_of_ready_pods(node: FakeNode) -> None:
    ready, stopped = await node.run_pod(pod_config(labels={"app": "web"})), await node.run_pod(pod_config("stopped"))
    other = await node.run_pod(pod_config("other"))
    await stop_pod_sandbox(node.deck, stopped)

    async def found(**conditions: object) -> list[str]:
        wanted = PodSandboxStatsFilter(**conditions)
        return [each.attributes.id for each in await list_pod_sandbox_stats(node.deck, wanted)]

    assert [each.attributes.id for each in await list_pod_sandbox_stats(node.deck, None)] == [ready, other]
    assert await found(id=ready[:12]) == await found(label_selector={"app": "web"}) == [ready]
    assert await found(id=stopped) == []
