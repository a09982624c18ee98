"""The daemon's own metrics for Prometheus: requests, pods, containers, events, and the process itself.

Containers' figures are not here: the kubelet asks for them by ListPodSandboxMetrics. Imported only where
metrics.address is set, for the library costs memory.
"""

import logging
from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from orlop import __version__
from orlop.model.enums import ContainerState, PodSandboxState
from orlop.model.errors import FailedPrecondition
from orlop.services.deck import Deck

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds: from a list that is answered from memory to a large image's pull."""


def host_and_port(address: str) -> tuple[str, int]:
    """Of "host:port", "[v6]:port", or ":port" for loopback. Checked when the configuration was read."""
    host, _, port = address.rpartition(":")
    return host.strip("[]") or LOOPBACK, int(port)


class Metrics:
    """Counts what the API tells, reads the rest when it is asked for, and serves all of it."""

    def __init__(self, deck: Deck) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_State(deck))
        self._requests = Counter(
            "orlop_requests", "Requests of the CRI, by outcome.", ("rpc", "outcome"), registry=self._registry
        )
        self._seconds = Histogram(
            "orlop_request_seconds", "Time that requests took.", ("rpc",), buckets=BUCKETS, registry=self._registry
        )
        self._runner: web.AppRunner | None = None

    def answered(self, rpc: str, outcome: str, seconds: float) -> None:
        """A request has ended; see orlop.api.answering.Answered."""
        self._requests.labels(rpc, outcome).inc()
        self._seconds.labels(rpc).observe(seconds)

    def text(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self._registry)

    async def start(self, address: str) -> None:
        """Serve /metrics. Raises FailedPrecondition where the address cannot be had."""
        app = web.Application()
        app.router.add_get("/metrics", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        host, port = host_and_port(address)
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self.aclose()
            raise FailedPrecondition(f"metrics.address {address!r} cannot be served: {error}") from error
        log.info("metrics are served on http://%s:%d/metrics", *self._runner.addresses[0][:2])

    async def aclose(self) -> None:
        """Stop serving."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve(self, _: web.Request) -> web.Response:
        return web.Response(body=self.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


class _State(Collector):
    """What the deck knows at the moment of being asked."""

    def __init__(self, deck: Deck) -> None:
        self._deck = deck

    def collect(self) -> Iterator[Metric]:
        """The families."""
        deck = self._deck
        build = GaugeMetricFamily("orlop_build_info", "The version that runs.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        pods = [pod.status.state for pod in deck.state.pods if pod.status.made]
        yield _by_state("orlop_pods", "Pods, by state.", PodSandboxState, pods)
        containers = [c.status.state for c in deck.state.containers if c.status.made and not c.record.infra]
        yield _by_state("orlop_containers", "Containers, by state.", ContainerState, containers)
        making = sum(not each.status.made for table in (deck.state.pods, deck.state.containers) for each in table)
        yield GaugeMetricFamily("orlop_unfinished", "Pods and containers that are being made or taken apart.", making)
        yield GaugeMetricFamily("orlop_event_listeners", "Clients of GetContainerEvents.", len(deck.events))
        lost = "Events lost for clients that were too slow and have been cut off."
        yield CounterMetricFamily("orlop_events_lost", lost, deck.events.lost)


def _by_state(
    name: str,
    text: str,
    kind: type[PodSandboxState] | type[ContainerState],
    found: list[PodSandboxState] | list[ContainerState],
) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["state"])
    for state in kind:
        label = state.name.partition("_")[2].lower()
        family.add_metric([label], sum(each is state for each in found))
    return family
