"""The container RPCs: request to model, verb, model to response. No logic."""

from orlop.api.convert.pack import pack
from orlop.api.convert.unpack import unpack_field, unpack_required
from orlop.api.kept import listed
from orlop.api.v1 import checkpoint_pb2, container_pb2, exec_pb2
from orlop.model.container import ContainerConfig, ContainerFilter
from orlop.model.resources import LinuxContainerResources
from orlop.services import (
    container_checkpoint,
    container_create,
    container_exec_sync,
    container_list,
    container_log_reopen,
    container_remove,
    container_start,
    container_status,
    container_stop,
    container_update,
)
from orlop.services.deck import Deck


async def create(deck: Deck, request: container_pb2.CreateContainerRequest) -> container_pb2.CreateContainerResponse:
    """CreateContainer. sandbox_config repeats what RunPodSandbox was given, and the pod's own record is what counts."""
    config = unpack_required(request, "config", ContainerConfig)
    container_id = await container_create.create_container(deck, request.pod_sandbox_id, config)
    return container_pb2.CreateContainerResponse(container_id=container_id)


async def checkpoint(
    deck: Deck, request: checkpoint_pb2.CheckpointContainerRequest
) -> checkpoint_pb2.CheckpointContainerResponse:
    """CheckpointContainer."""
    await container_checkpoint.checkpoint_container(deck, request.container_id, request.location, request.timeout)
    return checkpoint_pb2.CheckpointContainerResponse()


async def start(deck: Deck, request: container_pb2.StartContainerRequest) -> container_pb2.StartContainerResponse:
    """StartContainer."""
    await container_start.start_container(deck, request.container_id)
    return container_pb2.StartContainerResponse()


async def stop(deck: Deck, request: container_pb2.StopContainerRequest) -> container_pb2.StopContainerResponse:
    """StopContainer."""
    await container_stop.stop_container(deck, request.container_id, request.timeout)
    return container_pb2.StopContainerResponse()


async def remove(deck: Deck, request: container_pb2.RemoveContainerRequest) -> container_pb2.RemoveContainerResponse:
    """RemoveContainer."""
    await container_remove.remove_container(deck, request.container_id)
    return container_pb2.RemoveContainerResponse()


def status(deck: Deck, request: container_pb2.ContainerStatusRequest) -> container_pb2.ContainerStatusResponse:
    """ContainerStatus."""
    found, info = container_status.container_status(deck, request.container_id, request.verbose)
    return container_pb2.ContainerStatusResponse(status=pack(found, container_pb2.ContainerStatus), info=info)


def list_all(deck: Deck, request: container_pb2.ListContainersRequest) -> bytes:
    """ListContainers, encoded."""
    found = container_list.fitting(deck, unpack_field(request, "filter", ContainerFilter))
    return listed(found, container_list.view, container_pb2.ListContainersResponse)


async def update(
    deck: Deck, request: container_pb2.UpdateContainerResourcesRequest
) -> container_pb2.UpdateContainerResourcesResponse:
    """UpdateContainerResources."""
    resources = unpack_required(request, "linux", LinuxContainerResources)
    await container_update.update_container_resources(deck, request.container_id, resources)
    return container_pb2.UpdateContainerResourcesResponse()


async def reopen_log(
    deck: Deck, request: container_pb2.ReopenContainerLogRequest
) -> container_pb2.ReopenContainerLogResponse:
    """ReopenContainerLog."""
    await container_log_reopen.reopen_container_log(deck, request.container_id)
    return container_pb2.ReopenContainerLogResponse()


async def exec_sync(deck: Deck, request: exec_pb2.ExecSyncRequest) -> exec_pb2.ExecSyncResponse:
    """ExecSync."""
    result = await container_exec_sync.exec_sync(deck, request.container_id, tuple(request.cmd), request.timeout)
    return exec_pb2.ExecSyncResponse(stdout=result.stdout, stderr=result.stderr, exit_code=result.exit_code)
