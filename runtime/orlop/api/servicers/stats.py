"""The usage RPCs: request to model, verb, model to response. No logic."""

from orlop.api.chunks import whole
from orlop.api.convert.pack import pack, pack_all
from orlop.api.convert.unpack import unpack_field
from orlop.api.v1 import metrics_pb2, stats_pb2
from orlop.model.stats import ContainerStatsFilter, PodSandboxStatsFilter
from orlop.services import container_stats as container_verbs
from orlop.services import sandbox_metrics
from orlop.services import sandbox_stats as pod_verbs
from orlop.services.deck import Deck


async def container_stats(deck: Deck, request: stats_pb2.ContainerStatsRequest) -> stats_pb2.ContainerStatsResponse:
    """ContainerStats."""
    found = await container_verbs.container_stats(deck, request.container_id)
    return stats_pb2.ContainerStatsResponse(stats=pack(found, stats_pb2.ContainerStats))


async def list_container_stats(
    deck: Deck, request: stats_pb2.ListContainerStatsRequest
) -> stats_pb2.ListContainerStatsResponse:
    """ListContainerStats."""
    found = await container_verbs.list_container_stats(deck, unpack_field(request, "filter", ContainerStatsFilter))
    return stats_pb2.ListContainerStatsResponse(stats=pack_all(found, stats_pb2.ContainerStats))


async def pod_sandbox_stats(deck: Deck, request: stats_pb2.PodSandboxStatsRequest) -> stats_pb2.PodSandboxStatsResponse:
    """PodSandboxStats."""
    found = await pod_verbs.pod_sandbox_stats(deck, request.pod_sandbox_id)
    return stats_pb2.PodSandboxStatsResponse(stats=pack(found, stats_pb2.PodSandboxStats))


async def list_pod_sandbox_stats(
    deck: Deck, request: stats_pb2.ListPodSandboxStatsRequest
) -> stats_pb2.ListPodSandboxStatsResponse:
    """ListPodSandboxStats."""
    found = await pod_verbs.list_pod_sandbox_stats(deck, unpack_field(request, "filter", PodSandboxStatsFilter))
    return stats_pb2.ListPodSandboxStatsResponse(stats=pack_all(found, stats_pb2.PodSandboxStats))


def list_metric_descriptors(
    deck: Deck, request: metrics_pb2.ListMetricDescriptorsRequest
) -> metrics_pb2.ListMetricDescriptorsResponse:
    """ListMetricDescriptors."""
    found = sandbox_metrics.list_metric_descriptors()
    return metrics_pb2.ListMetricDescriptorsResponse(descriptors=pack_all(found, metrics_pb2.MetricDescriptor))


async def list_pod_sandbox_metrics(
    deck: Deck, request: metrics_pb2.ListPodSandboxMetricsRequest
) -> metrics_pb2.ListPodSandboxMetricsResponse:
    """ListPodSandboxMetrics."""
    found = await sandbox_metrics.list_pod_sandbox_metrics(deck)
    return await whole(found, metrics_pb2.ListPodSandboxMetricsResponse)
