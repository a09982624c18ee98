"""The streaming lists: the same as the lists of one message, with the same filters, in as many messages as it takes."""

from collections.abc import Iterable
from typing import Any

import pytest

from tests.harness.cri import Cri, refused
from tests.harness.foreign import FOREIGN, ours
from tests.harness.node import Node
from tests.harness.pods import EXITED, Pods


def streamed(cri: Cri, rpc: str, **fields: object) -> list[Any]:
    """All items of a streaming list."""
    return [
        item for message in cri.stream(rpc, **fields) for _, items in message.ListFields() for item in items
    ]  # fmt: skip


def in_order(items: Iterable[Any]) -> list[Any]:
    """Ours are listed and streamed in one order; the CRI names none."""
    return sorted(items, key=lambda item: str(item.id)) if FOREIGN else list(items)


def test_pods_and_containers_are_streamed_as_they_are_listed(pods: Pods, cri: Cri) -> None:
    pod = pods.run(labels={"kind": "one"})
    ended, running = pod.start("true"), pod.start(labels={"kind": "x"})
    pods.run(labels={"kind": "two"}).create()
    ended.wait()
    for filter_ in ({}, {"id": pod.id}, {"label_selector": {"kind": "two"}}, {"id": "none"}):
        listed = cri("ListPodSandbox", filter=filter_).items
        assert in_order(streamed(cri, "StreamPodSandboxes", filter=filter_)) == in_order(listed)
    for filter_ in ({}, {"pod_sandbox_id": pod.id}, {"state": {"state": EXITED}}, {"label_selector": {"kind": "x"}}):
        listed = cri("ListContainers", filter=filter_).containers
        assert in_order(streamed(cri, "StreamContainers", filter=filter_)) == in_order(listed)
    assert [item.id for item in streamed(cri, "StreamContainers", filter={"id": running.id})] == [running.id]


def test_figures_are_streamed_with_their_filters(pods: Pods, cri: Cri) -> None:
    pod = pods.run()
    one, two = pod.start(), pod.start(labels={"kind": "x"})
    other = pods.run().start()

    def ids(rpc: str, **filter_: object) -> set[str]:
        return {item.attributes.id for item in streamed(cri, rpc, filter=filter_)}

    assert {one.id, two.id, other.id} <= ids("StreamContainerStats")
    assert ids("StreamContainerStats", pod_sandbox_id=pod.id) == {one.id, two.id}
    assert ids("StreamContainerStats", label_selector={"kind": "x"}) == {two.id}
    assert ids("StreamPodSandboxStats", id=pod.id) == {pod.id}


def test_images_are_streamed(cri: Cri, pulled: str) -> None:
    assert in_order(streamed(cri, "StreamImages")) == in_order(cri("ListImages").images)
    [image] = streamed(cri, "StreamImages", filter={"image": {"image": pulled}})
    assert pulled in image.repo_tags
    assert streamed(cri, "StreamImages", filter={"image": {"image": "nothing.example/none:1"}}) == []


@pytest.mark.parametrize("rpc", ["StreamPodSandboxes", "StreamContainers"])
def test_a_stream_that_nobody_reads_to_its_end_stops_nobody(pods: Pods, cri: Cri, rpc: str) -> None:
    pods.run().create()
    call = cri.stream(rpc)
    call.cancel()
    assert cri("Version").version


@ours("a peer answers with more than a client takes, or has no streams")
def test_lists_beyond_what_a_message_holds_come_as_streams(own_node: Node, own_pods: Pods) -> None:
    """16 MiB is what a kubelet takes in one message; the list then says which stream to ask instead."""
    pod = own_pods.run()
    note = {"note": "x" * (3 << 20)}
    ids = sorted(pod.start(annotations=note).id for _ in range(6))
    for plain, stream in (("ListContainers", "StreamContainers"), ("ListContainerStats", "StreamContainerStats")):
        with refused("RESOURCE_EXHAUSTED", stream):
            own_node.cri(plain)
        items = streamed(own_node.cri, stream)
        told = [item.attributes if stream == "StreamContainerStats" else item for item in items]
        assert sorted(item.id for item in told) == ids
        assert all(dict(item.annotations) == note for item in told)
