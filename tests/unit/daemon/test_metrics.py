"""The daemon's own metrics: counted, read from the deck, and served on the address that is asked for."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from orlop.daemon.metrics import Metrics, host_and_port
from orlop.model.errors import FailedPrecondition
from tests.fakes.deck import FakeNode


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[FakeNode]:
    node = FakeNode(tmp_path)
    node.watches()
    yield node
    await node.aclose()


def _values(text: bytes) -> dict[tuple[str, ...], float]:
    """Name and label values, in the order of the labels' names."""
    return {
        (sample.name, *(sample.labels[key] for key in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


async def test_requests_are_counted_by_name_and_outcome(node: FakeNode) -> None:
    metrics = Metrics(node.deck)
    for outcome, seconds in (("ok", 0.2), ("ok", 3.0), ("NOT_FOUND", 0.0)):
        metrics.answered("PullImage", outcome, seconds)
    values = _values(metrics.text())
    assert values["orlop_requests_total", "ok", "PullImage"] == 2
    assert values["orlop_requests_total", "NOT_FOUND", "PullImage"] == 1
    assert values["orlop_request_seconds_count", "PullImage"] == 3
    assert values["orlop_request_seconds_sum", "PullImage"] == pytest.approx(3.2)
    assert values["orlop_request_seconds_bucket", "0.25", "PullImage"] == 2


async def test_the_nodes_state_is_read_when_it_is_asked_for(node: FakeNode) -> None:
    metrics = Metrics(node.deck)
    assert _values(metrics.text())["orlop_pods", "ready"] == 0
    container_id = await node.start()
    values = _values(metrics.text())
    assert (values["orlop_pods", "ready"], values["orlop_pods", "notready"]) == (1, 0)
    assert (values["orlop_containers", "running"], values["orlop_containers", "exited"]) == (1, 0)
    assert values["orlop_unfinished",] == 0
    assert values["orlop_build_info", "0.1.0"] == 1
    assert (values["orlop_event_listeners",], values["orlop_events_lost_total",]) == (0, 0)
    assert values["process_resident_memory_bytes",] > 1 << 20
    node.deck.state.containers.update(container_id, finished_at=5)
    assert _values(metrics.text())["orlop_containers", "exited"] == 1


async def test_they_are_served_and_nothing_else_is(node: FakeNode) -> None:
    metrics = Metrics(node.deck)
    await metrics.start(":0")
    assert metrics._runner is not None
    host, port = metrics._runner.addresses[0][:2]
    assert host == "127.0.0.1"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://{host}:{port}/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
            assert b"orlop_pods" in await answer.read()
        async with session.get(f"http://{host}:{port}/") as answer:
            assert answer.status == 404
        with socket.create_server(("127.0.0.1", 0)) as taken:
            other = Metrics(node.deck)
            with pytest.raises(FailedPrecondition, match=r"metrics.address '.*' cannot be served"):
                await other.start(f"127.0.0.1:{taken.getsockname()[1]}")
    await metrics.aclose()
    await metrics.aclose()


@pytest.mark.parametrize(
    ("address", "found"),
    [(":9090", ("127.0.0.1", 9090)), ("10.0.0.1:1", ("10.0.0.1", 1)), ("[::1]:80", ("::1", 80))],
)
def test_addresses(address: str, found: tuple[str, int]) -> None:
    assert host_and_port(address) == found
