"""CNI's GC is told of the pods that have a network, once the network is ready, and again where it failed."""

import pytest

from orlop.engine.cni.current import Readiness
from orlop.engine.cni.failures import PluginError
from orlop.services import network_gc
from orlop.services.network_gc import collect, run_network_gc
from orlop.services.sandbox_stop import stop_pod_sandbox
from tests.fakes.deck import NODE_NETWORK, FakeNode, pod_config
from tests.fakes.story import until


async def test_pods_with_a_network_are_valid(node: FakeNode) -> None:
    kept = await node.run_pod(pod_config("kept"))
    gone = await node.run_pod(pod_config("gone"))
    await node.run_pod(pod_config("host", spaces=NODE_NETWORK))
    await stop_pod_sandbox(node.deck, gone)
    assert await collect(node.deck)
    assert node.network.valid == [kept]


async def test_a_network_that_is_not_ready_is_asked_later(node: FakeNode) -> None:
    node.network.ready = Readiness(False, "NetworkPluginNotReady", "no conflist")
    assert not await collect(node.deck)
    assert "network.gc" not in node.story.order()


async def test_a_round_that_failed_is_tried_again(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_gc, "RETRY", 0.01)
    node.story.fails("network.gc", PluginError("agent is away", plugin="p", network="n"), times=2)
    task = node.deck.background.spawn(run_network_gc(node.deck), "network garbage")
    await until(lambda: node.story.order().count("network.gc") == 3)
    assert not task.done()
    task.cancel()
