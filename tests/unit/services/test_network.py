"""What the plugins are told of a pod, and what is owed when they fail."""

from orlop.model.pod import DNSConfig, PodRecord, PodStatus, PortMapping
from orlop.services.network import attach, attached, attachment, detach
from orlop.services.sandbox_stop import stop_pod_sandbox
from tests.fakes.deck import FakeNode, owed, pod_config


async def test_everything_of_the_pod_is_told(node: FakeNode) -> None:
    ports, dns = (PortMapping(container_port=80, host_port=8080),), DNSConfig(servers=("10.0.0.10",))
    config = pod_config(port_mappings=ports, dns_config=dns, annotations={"a": "b"})
    record = node.pod(await node.run_pod(config)).record
    told = attachment(node.deck, record)
    assert (told.pod_id, told.namespace, told.name, told.uid) == (record.id, "default", "web", "uid-web")
    assert (told.port_mappings, told.dns, told.annotations) == (ports, dns, {"a": "b"})
    assert (told.netns, told.cgroup_path) == (record.namespaces.net, f"/orlop/pod-{record.id}")


async def test_the_answer_is_the_pods_addresses(node: FakeNode) -> None:
    record = node.pod(await node.run_pod()).record
    assert await attach(node.deck, record) == ("10.1.0.5",)


async def test_a_del_that_fails_is_owed(node: FakeNode) -> None:
    record = node.pod(await node.run_pod()).record
    node.deck.garbage_wanted.clear()
    node.story.fails("network.remove", owed(), times=1)
    assert not await detach(node.deck, record)
    assert node.deck.garbage_wanted.is_set()
    assert await detach(node.deck, record)


async def test_pods_that_have_or_get_a_network(node: FakeNode) -> None:
    ready, stopped = await node.run_pod(), await node.run_pod(pod_config("stopped"))
    await stop_pod_sandbox(node.deck, stopped)
    for pod in ("building", "left"):
        record = PodRecord(id=pod, config=pod_config(pod), handler="runc", created_at=1)
        node.deck.state.pods.insert(pod, record, PodStatus())
    node.deck.building.add("building")
    assert attached(node.deck) == {ready, "building"}
    node.deck.building.clear()
