"""ListPodSandbox: what is made, by all given conditions together."""

import pytest

from orlop.model.enums import PodSandboxState
from orlop.model.pod import PodSandboxFilter, PodSandboxStateValue
from orlop.services.sandbox_list import list_pod_sandboxes
from orlop.services.sandbox_stop import stop_pod_sandbox
from tests.fakes.deck import FakeNode, pod_config


async def test_pods(node: FakeNode) -> None:
    ready = await node.run_pod(pod_config(labels={"app": "web"}, annotations={"x": "y"}))
    stopped = await node.run_pod(pod_config("stopped", labels={"app": "web", "tier": "a"}))
    await stop_pod_sandbox(node.deck, stopped)

    def found(**conditions: object) -> list[str]:
        return [each.id for each in list_pod_sandboxes(node.deck, PodSandboxFilter(**conditions))]

    assert [each.id for each in list_pod_sandboxes(node.deck, None)] == found() == [ready, stopped]
    assert found(id=ready[:10]) == [ready]
    assert found(state=PodSandboxStateValue(state=PodSandboxState.SANDBOX_READY)) == [ready]
    assert found(state=PodSandboxStateValue(state=PodSandboxState.SANDBOX_NOTREADY)) == [stopped]
    assert found(label_selector={"tier": "a"}) == [stopped]
    assert found(label_selector={"tier": "a"}, id=ready) == []
    [view] = list_pod_sandboxes(node.deck, PodSandboxFilter(id=ready))
    assert (view.metadata.name, view.annotations, view.runtime_handler) == ("web", {"x": "y"}, "")


@pytest.mark.parametrize("state", PodSandboxState)
async def test_a_pod_that_is_lost_is_not_ready(node: FakeNode, state: PodSandboxState) -> None:
    pod = await node.run_pod()
    node.deck.state.pods.update(pod, lost="its network namespace is gone")
    found = list_pod_sandboxes(node.deck, PodSandboxFilter(state=PodSandboxStateValue(state=state)))
    assert [each.id for each in found] == ([pod] if state is PodSandboxState.SANDBOX_NOTREADY else [])
