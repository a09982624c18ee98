"""RemovePodSandbox: stop it, remove its containers, and forget it."""

import asyncio

from orlop.engine.state.table import PodEntry
from orlop.model.enums import ContainerEventType
from orlop.model.errors import NotFound
from orlop.services import events, pod_cgroup
from orlop.services.container_remove import remove_container
from orlop.services.deck import Deck
from orlop.services.faults import told
from orlop.services.naming import free, pod_key, pod_title
from orlop.services.sandbox_stop import let_go, stop_pod_sandbox
from orlop.services.steps import Steps


async def remove_pod_sandbox(deck: Deck, pod_id: str) -> None:
    """Remove a pod with all its containers, running or not. One that is not here is fine (CRI: idempotent)."""
    try:
        entry = deck.state.pods.find(pod_id)
    except NotFound:
        return
    await deck.ending.do(f"remove pod {entry.record.id}", lambda: _remove(deck, entry))


async def _remove(deck: Deck, entry: PodEntry) -> None:
    record = entry.record
    await stop_pod_sandbox(deck, record.id)
    if record.id not in deck.state.pods:
        return
    steps = Steps(pod_title(record.config.metadata))
    with told(steps):
        steps.enter("remove its containers")
        await asyncio.gather(*(remove_container(deck, c.record.id) for c in deck.state.containers_of(record.id)))
        await deck.plugins.remove_pod(entry)
        await forget(deck, entry, steps)
    steps.log_done("removed")


async def forget(deck: Deck, entry: PodEntry, steps: Steps) -> None:
    """Remove what a stopped pod without containers still has, and its record last. Idempotent.

    A pod whose DEL is still owed lets go of its namespaces here at the latest; the DEL is run without them.
    """
    record = entry.record
    await let_go(deck, record.id, steps)
    steps.enter("remove its cgroup")
    await pod_cgroup.remove(deck, record)
    deck.state.pods.delete(record.id)
    events.pod_event(deck, entry, ContainerEventType.CONTAINER_DELETED_EVENT)
    free(deck.pod_names, pod_key(record.config.metadata), record.id)
    deck.stats.forget(record.id)
