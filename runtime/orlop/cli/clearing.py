"""Removes every pod of a node through its CRI socket. For taking a node away, not for its daily life."""

from dataclasses import dataclass

from orlop.api.client import CriClient
from orlop.api.v1 import pod_pb2

TIME_LIMIT = 300.0
"""Seconds for one pod: its network may take long to be taken down."""


@dataclass(frozen=True, slots=True)
class Pod:
    """What a person recognises it by."""

    id: str
    name: str


async def pods(client: CriClient) -> list[Pod]:
    """Every pod, ready or not, by namespace and name."""
    answer = await client.call("ListPodSandbox")
    found = [Pod(each.id, f"{each.metadata.namespace}/{each.metadata.name}") for each in answer.items]
    return sorted(found, key=lambda pod: (pod.name, pod.id))


async def remove(client: CriClient, pod: Pod) -> None:
    """Stop the pod, then remove it with its containers; both may be repeated."""
    stop = pod_pb2.StopPodSandboxRequest(pod_sandbox_id=pod.id)
    await client.call("StopPodSandbox", stop, timeout=TIME_LIMIT)
    removal = pod_pb2.RemovePodSandboxRequest(pod_sandbox_id=pod.id)
    await client.call("RemovePodSandbox", removal, timeout=TIME_LIMIT)
