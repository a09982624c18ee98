"""The pod RPCs: request to model, verb, model to response. No logic."""

from orlop.api.convert.pack import pack, pack_all
from orlop.api.convert.unpack import unpack_field, unpack_required
from orlop.api.kept import listed
from orlop.api.v1 import container_pb2, pod_pb2
from orlop.model.pod import PodSandboxConfig, PodSandboxFilter
from orlop.model.resources import LinuxContainerResources
from orlop.services import sandbox_list, sandbox_remove, sandbox_run, sandbox_status, sandbox_stop, sandbox_update
from orlop.services.deck import Deck


async def run_pod_sandbox(deck: Deck, request: pod_pb2.RunPodSandboxRequest) -> pod_pb2.RunPodSandboxResponse:
    """RunPodSandbox."""
    config = unpack_required(request, "config", PodSandboxConfig)
    pod_id = await sandbox_run.run_pod_sandbox(deck, config, request.runtime_handler)
    return pod_pb2.RunPodSandboxResponse(pod_sandbox_id=pod_id)


async def stop_pod_sandbox(deck: Deck, request: pod_pb2.StopPodSandboxRequest) -> pod_pb2.StopPodSandboxResponse:
    """StopPodSandbox."""
    await sandbox_stop.stop_pod_sandbox(deck, request.pod_sandbox_id)
    return pod_pb2.StopPodSandboxResponse()


async def remove_pod_sandbox(deck: Deck, request: pod_pb2.RemovePodSandboxRequest) -> pod_pb2.RemovePodSandboxResponse:
    """RemovePodSandbox."""
    await sandbox_remove.remove_pod_sandbox(deck, request.pod_sandbox_id)
    return pod_pb2.RemovePodSandboxResponse()


async def update_pod_sandbox_resources(
    deck: Deck, request: pod_pb2.UpdatePodSandboxResourcesRequest
) -> pod_pb2.UpdatePodSandboxResourcesResponse:
    """UpdatePodSandboxResources."""
    await sandbox_update.update_pod_sandbox_resources(
        deck,
        request.pod_sandbox_id,
        unpack_field(request, "overhead", LinuxContainerResources),
        unpack_field(request, "resources", LinuxContainerResources),
    )
    return pod_pb2.UpdatePodSandboxResourcesResponse()


def pod_sandbox_status(deck: Deck, request: pod_pb2.PodSandboxStatusRequest) -> pod_pb2.PodSandboxStatusResponse:
    """PodSandboxStatus."""
    status, info, containers, timestamp = sandbox_status.pod_sandbox_status(
        deck, request.pod_sandbox_id, request.verbose
    )
    return pod_pb2.PodSandboxStatusResponse(
        status=pack(status, pod_pb2.PodSandboxStatus),
        info=info,
        containers_statuses=pack_all(containers, container_pb2.ContainerStatus),
        timestamp=timestamp,
    )


def list_pod_sandbox(deck: Deck, request: pod_pb2.ListPodSandboxRequest) -> bytes:
    """ListPodSandbox, encoded."""
    found = sandbox_list.fitting(deck, unpack_field(request, "filter", PodSandboxFilter))
    return listed(found, sandbox_list.view, pod_pb2.ListPodSandboxResponse)
