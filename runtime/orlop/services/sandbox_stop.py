"""StopPodSandbox: end its containers by force, take down its network, let go of its namespaces and files.

The record stays, NOTREADY, until RemovePodSandbox. A stopped pod holds no kernel resource but its cgroup.
"""

import asyncio
import time

from orlop.engine.state.table import PodEntry
from orlop.model.enums import ContainerEventType
from orlop.model.errors import NotFound
from orlop.services import events
from orlop.services.container_stop import stop_container
from orlop.services.deck import Deck
from orlop.services.faults import told
from orlop.services.naming import container_key, pod_key, pod_title
from orlop.services.network import detach
from orlop.services.steps import Steps


async def stop_pod_sandbox(deck: Deck, pod_id: str) -> None:
    """Stop a pod. Stopped and unknown ones are fine (CRI: idempotent, called several times by the kubelet)."""
    try:
        entry = deck.state.pods.find(pod_id)
    except NotFound:
        return
    await deck.ending.do(f"stop pod {entry.record.id}", lambda: _stop(deck, entry))


async def _stop(deck: Deck, entry: PodEntry) -> None:
    record = entry.record
    await deck.making.settled(pod_key(record.config.metadata))
    if entry.status.stopped_at or record.id not in deck.state.pods:
        return
    steps = Steps(pod_title(record.config.metadata))
    with told(steps):
        steps.enter("stop its containers")
        await _stop_containers(deck, record.id)
        await deck.plugins.stop_pod(entry)
        await release(deck, entry, steps)
        deck.state.pods.update(record.id, stopped_at=time.time_ns())
        if not entry.status.lost:  # its end has been told then
            events.pod_event(deck, entry, ContainerEventType.CONTAINER_STOPPED_EVENT)
    steps.log_done("stopped")


async def release(deck: Deck, entry: PodEntry, steps: Steps) -> bool:
    """Give back network, namespaces and mounted files of a pod without running containers. Idempotent.

    False while a DEL is owed. The namespaces stay for it then: without one, plugins leave rules behind on the node.
    """
    record = entry.record
    if record.namespaces.net:
        steps.enter("take down its network")
        if not await detach(deck, record):
            return False
    await let_go(deck, record.id, steps)
    return True


async def let_go(deck: Deck, pod_id: str, steps: Steps) -> None:
    """Remove the pod's namespaces and mounted files. Idempotent."""
    steps.enter("remove its namespaces and files")
    await deck.namespaces.remove(pod_id)
    await deck.files.remove(pod_id)


async def _stop_containers(deck: Deck, pod_id: str) -> None:
    """All at once; the pause process after the others, whose PID namespace it holds."""
    entries = deck.state.containers_of(pod_id)
    await asyncio.gather(
        *(deck.making.settled(container_key(pod_id, entry.record.config.metadata)) for entry in entries)
    )
    entries = deck.state.containers_of(pod_id)
    await asyncio.gather(*(stop_container(deck, entry.record.id, 0) for entry in entries if not entry.record.infra))
    await asyncio.gather(*(stop_container(deck, entry.record.id, 0) for entry in entries if entry.record.infra))
