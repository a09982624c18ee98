"""ListContainers: what is made, by all given conditions together."""

from orlop.model.container import ContainerFilter, ContainerRecord, ContainerStateValue, ContainerStatus
from orlop.model.enums import ContainerState
from orlop.services.container_list import list_containers
from tests.fakes.deck import BUSYBOX, SHARED_PID, FakeNode, container_config, pod_config


async def test_containers(node: FakeNode) -> None:
    pod, other = await node.run_pod(), await node.run_pod(pod_config("other", spaces=SHARED_PID))
    running = await node.start(pod, container_config(labels={"app": "web", "tier": "a"}, annotations={"x": "y"}))
    created = await node.create(other, container_config(labels={"app": "web"}))
    half = ContainerRecord(id="half", pod_id=pod, config=container_config("half"), handler="runc", created_at=1)
    node.deck.state.containers.insert("half", half, ContainerStatus())

    def found(**conditions: object) -> list[str]:
        return [each.id for each in list_containers(node.deck, ContainerFilter(**conditions))]

    assert [each.id for each in list_containers(node.deck, None)] == found() == [running, created]
    assert found(id=running) == found(id=running[:10]) == [running]
    assert found(pod_sandbox_id=other[:13]) == [created]
    assert found(state=ContainerStateValue(state=ContainerState.CONTAINER_CREATED)) == [created]
    assert found(state=ContainerStateValue(state=ContainerState.CONTAINER_EXITED)) == []
    assert found(label_selector={"app": "web"}) == [running, created]
    assert found(label_selector={"app": "web", "tier": "a"}) == [running]
    assert found(id=running, pod_sandbox_id=other) == []
    [view] = list_containers(node.deck, ContainerFilter(id=running))
    assert (view.pod_sandbox_id, view.image_id, view.image_ref) == (pod, BUSYBOX.id, BUSYBOX.digests[0])
    assert (view.state, view.annotations) == (ContainerState.CONTAINER_RUNNING, {"x": "y"})
