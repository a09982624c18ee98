"""PodSandboxStatus: from memory, with JSON for who asks for more."""

import json

import pytest

from orlop.model.enums import NamespaceMode, PodSandboxState
from orlop.model.errors import InvalidArgument, NotFound
from orlop.model.pod import PodIP
from orlop.services.container_status import container_status
from orlop.services.sandbox_status import pod_sandbox_status
from tests.fakes.deck import SHARED_PID, FakeNode, container_config, pod_config


async def test_a_pod_with_its_containers(node: FakeNode) -> None:
    config = pod_config(labels={"app": "web"}, annotations={"x": "y"}, spaces=SHARED_PID)
    pod = await node.run_pod(config)
    container = await node.start(pod, container_config(spaces=SHARED_PID))
    node.deck.state.pods.update(pod, ips=("10.1.0.5", "fd00::5"))
    view, info, containers, at = pod_sandbox_status(node.deck, pod, False)
    assert (view.id, view.metadata, view.state) == (pod, config.metadata, PodSandboxState.SANDBOX_READY)
    assert (view.labels, view.annotations, view.runtime_handler) == ({"app": "web"}, {"x": "y"}, "")
    assert (view.network.ip, view.network.additional_ips) == ("10.1.0.5", (PodIP(ip="fd00::5"),))
    assert view.linux.namespaces.options.pid is NamespaceMode.POD
    assert ([each.id for each in containers], info) == ([container], {})
    assert at > view.created_at


async def test_more_of_a_pod(node: FakeNode) -> None:
    pod = await node.run_pod()
    node.deck.state.pods.update(pod, lost="its network namespace is gone")
    view, info, _, _ = pod_sandbox_status(node.deck, pod, True)
    told = json.loads(info["info"])
    assert view.state is PodSandboxState.SANDBOX_NOTREADY
    assert (told["lost"], told["runtimeHandler"]) == ("its network namespace is gone", "runc")
    assert told["namespaces"]["net"] == node.pod(pod).record.namespaces.net
    assert told["config"]["metadata"]["name"] == "web"


async def test_unknown_and_ambiguous_ids(node: FakeNode) -> None:
    for ask in (container_status, pod_sandbox_status):
        with pytest.raises(NotFound):
            ask(node.deck, "0" * 64, False)
        with pytest.raises(NotFound):
            ask(node.deck, "", False)
    pods = [await node.run_pod(pod_config(f"p{number}")) for number in range(17)]
    first = next(each[0] for each in pods if sum(other[0] == each[0] for other in pods) > 1)
    with pytest.raises(InvalidArgument, match="have ids that begin with"):
        pod_sandbox_status(node.deck, first, False)
