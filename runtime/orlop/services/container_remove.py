"""RemoveContainer: stop it by force if it runs, then give back everything it holds."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from orlop.aio.threads import offload
from orlop.engine.state.table import ContainerEntry
from orlop.linux.files import remove_tree
from orlop.model.container import ContainerRecord
from orlop.model.enums import ContainerEventType
from orlop.model.errors import NotFound
from orlop.services import events
from orlop.services.carriers.choice import carrier_of
from orlop.services.container_stop import stop_container
from orlop.services.deck import Deck
from orlop.services.exits import delete, unfollow
from orlop.services.faults import told
from orlop.services.naming import container_key, container_title, free
from orlop.services.nri_ends import removed
from orlop.services.steps import Steps


async def remove_container(deck: Deck, container_id: str) -> None:
    """Remove a container with its writable layer. One that is not here is fine (CRI: idempotent); its log stays."""
    try:
        entry = deck.state.containers.find(container_id)
    except NotFound:
        return
    await deck.ending.do(f"remove {entry.record.id}", lambda: _remove(deck, entry))


async def _remove(deck: Deck, entry: ContainerEntry) -> None:
    record = entry.record
    steps = Steps(container_title(record.config.metadata, deck.pod_metadata(record.pod_id)))
    with told(steps):
        steps.enter("stop")
        # Its parts are not to be taken from under the hands of whoever makes them.
        await deck.making.settled(container_key(record.pod_id, record.config.metadata))
        if entry.status.made:
            await stop_container(deck, record.id, 0)
            await removed(deck, entry)
        await dismantle(deck, entry, steps)
    steps.log_done("removed")


async def dismantle(deck: Deck, entry: ContainerEntry, steps: Steps) -> None:
    """Give back every part of a container that does not run. Idempotent; the record goes last."""
    record = entry.record
    async with deck.locks(record.id):
        steps.enter("delete it from the OCI runtime and release its root filesystem")
        await _both(delete(deck, record), deck.roots.release(record.id))
        steps.enter("remove its files")
        await remove_files(deck, record)
        unfollow(deck, record.id)
        deck.state.containers.delete(record.id)
        events.container_event(deck, entry, ContainerEventType.CONTAINER_DELETED_EVENT)
        free(deck.container_names, container_key(record.pod_id, record.config.metadata), record.id)
        deck.stats.forget(record.id)
        deck.deleted.discard(record.id)


async def _both(*works: Coroutine[Any, Any, None]) -> None:
    """Side by side; when one fails the other has ended too, so that a retry does not meet it."""
    for result in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


async def remove_files(deck: Deck, record: ContainerRecord) -> None:
    """Remove the bundle, and what its carrier has elsewhere."""
    await offload(remove_tree, record.bundle)
    if record.checkpoint:
        await offload(remove_tree, record.checkpoint)
    await carrier_of(deck, record).remove_files(record)
