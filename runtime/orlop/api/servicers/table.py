"""Which function answers which RPC: the table of contents of the API. An RPC that is not here is in orlop.api.unbuilt.

A plain function answers from memory at once; a coroutine function may wait; an async generator answers a stream.
"""

from collections.abc import Callable
from typing import Any

from orlop.api.servicers import containers, images, pod_checkpoints, pods, runtime, stats, streamed_lists, streams

Verb = Callable[[Any, Any], Any]
"""(deck, request) to a response, or to an awaitable or async iterator of responses. A response may be encoded bytes."""

VERBS: dict[str, Verb] = {
    "Version": runtime.version,
    "Status": runtime.status,
    "RuntimeConfig": runtime.runtime_config,
    "UpdateRuntimeConfig": runtime.update_runtime_config,
    "GetContainerEvents": runtime.container_events,
    "RunPodSandbox": pods.run_pod_sandbox,
    "StopPodSandbox": pods.stop_pod_sandbox,
    "RemovePodSandbox": pods.remove_pod_sandbox,
    "UpdatePodSandboxResources": pods.update_pod_sandbox_resources,
    "PodSandboxStatus": pods.pod_sandbox_status,
    "ListPodSandbox": pods.list_pod_sandbox,
    "CreateContainer": containers.create,
    "StartContainer": containers.start,
    "StopContainer": containers.stop,
    "RemoveContainer": containers.remove,
    "ContainerStatus": containers.status,
    "ListContainers": containers.list_all,
    "UpdateContainerResources": containers.update,
    "CheckpointContainer": containers.checkpoint,
    "CheckpointPod": pod_checkpoints.checkpoint_pod,
    "RestorePod": pod_checkpoints.restore_pod,
    "ReopenContainerLog": containers.reopen_log,
    "ExecSync": containers.exec_sync,
    "Exec": streams.exec_url,
    "Attach": streams.attach_url,
    "PortForward": streams.port_forward_url,
    "ContainerStats": stats.container_stats,
    "ListContainerStats": stats.list_container_stats,
    "PodSandboxStats": stats.pod_sandbox_stats,
    "ListPodSandboxStats": stats.list_pod_sandbox_stats,
    "ListMetricDescriptors": stats.list_metric_descriptors,
    "ListPodSandboxMetrics": stats.list_pod_sandbox_metrics,
    "StreamPodSandboxes": streamed_lists.pod_sandboxes,
    "StreamContainers": streamed_lists.containers,
    "StreamContainerStats": streamed_lists.container_usage,
    "StreamPodSandboxStats": streamed_lists.pod_sandbox_usage,
    "StreamPodSandboxMetrics": streamed_lists.pod_sandbox_metrics,
    "StreamImages": streamed_lists.images,
    "ListImages": images.list_images,
    "ImageStatus": images.status,
    "PullImage": images.pull,
    "RemoveImage": images.remove,
    "ImageFsInfo": images.fs_info,
}
