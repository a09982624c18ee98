"""CheckpointPod and RestorePod: request to model, verb, model to response. No logic."""

from orlop.api.convert.unpack import unpack, unpack_required
from orlop.api.v1 import checkpoint_pb2
from orlop.model.container import ContainerConfig
from orlop.model.pod import PodSandboxConfig
from orlop.services import pod_checkpoint, pod_restore
from orlop.services.deck import Deck


async def checkpoint_pod(
    deck: Deck, request: checkpoint_pb2.CheckpointPodRequest
) -> checkpoint_pb2.CheckpointPodResponse:
    """CheckpointPod."""
    await pod_checkpoint.checkpoint_pod(
        deck, request.pod_sandbox_id, request.output_path, tuple(request.container_ids), dict(request.options)
    )
    return checkpoint_pb2.CheckpointPodResponse()


async def restore_pod(deck: Deck, request: checkpoint_pb2.RestorePodRequest) -> checkpoint_pb2.RestorePodResponse:
    """RestorePod."""
    pod_id, restored = await pod_restore.restore_pod(
        deck,
        request.checkpoint_path,
        unpack_required(request, "config", PodSandboxConfig),
        request.runtime_handler,
        dict(request.options),
        [unpack(each, ContainerConfig, f"container_configs[{n}]") for n, each in enumerate(request.container_configs)],
    )
    containers = [checkpoint_pb2.RestoredContainer(name=name, container_id=each) for name, each in restored]
    return checkpoint_pb2.RestorePodResponse(pod_sandbox_id=pod_id, restored_containers=containers)
