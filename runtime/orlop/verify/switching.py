"""Bringing pods into another network: each pod of the old one is stopped, so that the kubelet makes it anew.

One after the other, and the next only when the one before has an address in the present network. Which network a pod is
in is what the result cache says; DEL is run by the daemon with the configuration of the old network.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from orlop.api.client import CriClient
from orlop.api.v1 import pod_pb2, runtime_pb2
from orlop.engine.cni.cache import ResultCache
from orlop.model.errors import FailedPrecondition

STOP_LIMIT = 300.0
"""Seconds for one pod's stop."""
_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod in another network than the present one."""

    id: str
    namespace: str
    name: str
    network: str

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.namespace}/{self.name}"


class _Network(msgspec.Struct):
    """What the verbose Status says of the network."""

    name: str


async def outside(client: CriClient, cache_dir: str) -> list[Pod]:
    """Pods that run in another network. Raises FailedPrecondition while the present one is not ready."""
    present = await _present(client)
    networks = {entry.request.pod_id: entry.network for entry in ResultCache(cache_dir).all() if entry.ours}
    return sorted(
        (
            Pod(item.id, item.metadata.namespace, item.metadata.name, networks[item.id])
            for item in await _ready(client)
            if networks.get(item.id, present) != present
        ),
        key=lambda pod: (pod.title, pod.id),
    )


async def renew(client: CriClient, pods: Sequence[Pod], *, wait: float, tell: Callable[[str], None]) -> list[str]:
    """Stop each pod and wait until it is there anew with an address. Returns those that were not within `wait` seconds.

    It ends with the first such one: what hinders it would hinder the others.
    """
    for pod in pods:
        stop = pod_pb2.StopPodSandboxRequest(pod_sandbox_id=pod.id)
        await client.call("StopPodSandbox", stop, timeout=STOP_LIMIT)
        tell(f"{pod.title}: taken out of network {pod.network}")
        if wait:
            try:
                async with asyncio.timeout(wait):
                    address = await _successor(client, pod)
            except TimeoutError:
                return [pod.title]
            tell(f"{pod.title}: has {address}")
    return []


async def _successor(client: CriClient, pod: Pod) -> str:
    """The address of the pod that has come in its place."""
    while True:
        for item in await _ready(client):
            if (item.metadata.namespace, item.metadata.name) == (pod.namespace, pod.name) and item.id != pod.id:
                request = pod_pb2.PodSandboxStatusRequest(pod_sandbox_id=item.id)
                address: str = (await client.call("PodSandboxStatus", request)).status.network.ip
                if address:
                    return address
        await asyncio.sleep(_PAUSE)


async def _present(client: CriClient) -> str:
    answer = await client.call("Status", runtime_pb2.StatusRequest(verbose=True))
    for condition in answer.status.conditions:
        if condition.type == "NetworkReady" and not condition.status:
            raise FailedPrecondition(f"the network is not ready, so no pod is touched: {condition.message}")
    return _name(answer.info)


def _name(info: Any) -> str:
    try:
        return msgspec.json.decode(info["network"], type=_Network).name
    except (KeyError, ValueError, msgspec.DecodeError) as error:
        raise FailedPrecondition("the runtime does not tell the name of its network: is it orlopd?") from error


async def _ready(client: CriClient) -> list[Any]:
    state = pod_pb2.PodSandboxStateValue(state=pod_pb2.SANDBOX_READY)
    request = pod_pb2.ListPodSandboxRequest(filter=pod_pb2.PodSandboxFilter(state=state))
    return list((await client.call("ListPodSandbox", request)).items)
