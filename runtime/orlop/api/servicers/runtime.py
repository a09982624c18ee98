"""The RPCs about the runtime itself: request to model, verb, model to response. No logic."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from orlop.api.convert.pack import pack
from orlop.api.v1 import runtime_pb2
from orlop.services import events, runtime_status, runtime_version
from orlop.services import runtime_config as config_verbs
from orlop.services.deck import Deck


def version(deck: Deck, request: runtime_pb2.VersionRequest) -> runtime_pb2.VersionResponse:
    """Version."""
    return pack(runtime_version.version(), runtime_pb2.VersionResponse)


def status(deck: Deck, request: runtime_pb2.StatusRequest) -> runtime_pb2.StatusResponse:
    """Status."""
    return pack(runtime_status.status(deck, request.verbose), runtime_pb2.StatusResponse)


def runtime_config(deck: Deck, request: runtime_pb2.RuntimeConfigRequest) -> runtime_pb2.RuntimeConfigResponse:
    """RuntimeConfig."""
    found = config_verbs.runtime_config(deck)
    return runtime_pb2.RuntimeConfigResponse(linux=pack(found, runtime_pb2.LinuxRuntimeConfiguration))


async def update_runtime_config(
    deck: Deck, request: runtime_pb2.UpdateRuntimeConfigRequest
) -> runtime_pb2.UpdateRuntimeConfigResponse:
    """UpdateRuntimeConfig."""
    await config_verbs.update_runtime_config(deck, request.runtime_config.network_config.pod_cidr)
    return runtime_pb2.UpdateRuntimeConfigResponse()


async def container_events(
    deck: Deck, request: runtime_pb2.GetEventsRequest
) -> AsyncIterator[runtime_pb2.ContainerEventResponse]:
    """GetContainerEvents."""
    async with aclosing(events.follow(deck)) as followed:
        async for event in followed:
            yield pack(event, runtime_pb2.ContainerEventResponse)
