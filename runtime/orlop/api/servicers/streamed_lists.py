"""The streaming lists (KEP-5825): the verbs of the lists of one message, their answers cut into several. No logic."""

from collections.abc import AsyncIterator

from orlop.api.chunks import chunks
from orlop.api.convert.unpack import unpack_field
from orlop.api.v1 import container_pb2, image_pb2, metrics_pb2, pod_pb2, stats_pb2
from orlop.model.container import ContainerFilter
from orlop.model.image import ImageFilter
from orlop.model.pod import PodSandboxFilter
from orlop.model.stats import ContainerStatsFilter, PodSandboxStatsFilter
from orlop.services import container_list, container_stats, image_list, sandbox_list, sandbox_metrics, sandbox_stats
from orlop.services.deck import Deck


async def pod_sandboxes(deck: Deck, request: pod_pb2.StreamPodSandboxesRequest) -> AsyncIterator[bytes]:
    """StreamPodSandboxes."""
    found = sandbox_list.list_pod_sandboxes(deck, unpack_field(request, "filter", PodSandboxFilter))
    async for chunk in chunks(found, pod_pb2.StreamPodSandboxesResponse):
        yield chunk


async def containers(deck: Deck, request: container_pb2.StreamContainersRequest) -> AsyncIterator[bytes]:
    """StreamContainers."""
    found = container_list.list_containers(deck, unpack_field(request, "filter", ContainerFilter))
    async for chunk in chunks(found, container_pb2.StreamContainersResponse):
        yield chunk


async def container_usage(deck: Deck, request: stats_pb2.StreamContainerStatsRequest) -> AsyncIterator[bytes]:
    """StreamContainerStats."""
    found = await container_stats.list_container_stats(deck, unpack_field(request, "filter", ContainerStatsFilter))
    async for chunk in chunks(found, stats_pb2.StreamContainerStatsResponse):
        yield chunk


async def pod_sandbox_usage(deck: Deck, request: stats_pb2.StreamPodSandboxStatsRequest) -> AsyncIterator[bytes]:
    """StreamPodSandboxStats."""
    found = await sandbox_stats.list_pod_sandbox_stats(deck, unpack_field(request, "filter", PodSandboxStatsFilter))
    async for chunk in chunks(found, stats_pb2.StreamPodSandboxStatsResponse):
        yield chunk


async def pod_sandbox_metrics(deck: Deck, request: metrics_pb2.StreamPodSandboxMetricsRequest) -> AsyncIterator[bytes]:
    """StreamPodSandboxMetrics."""
    found = await sandbox_metrics.list_pod_sandbox_metrics(deck)
    async for chunk in chunks(found, metrics_pb2.StreamPodSandboxMetricsResponse):
        yield chunk


async def images(deck: Deck, request: image_pb2.StreamImagesRequest) -> AsyncIterator[bytes]:
    """StreamImages."""
    found = await image_list.list_images(deck, unpack_field(request, "filter", ImageFilter))
    async for chunk in chunks(found, image_pb2.StreamImagesResponse):
        yield chunk
