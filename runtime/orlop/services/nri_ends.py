"""The ends of containers, told to NRI plugins: each once, before its removal, whoever sees it first."""

import logging

from orlop.engine.state.table import ContainerEntry
from orlop.model.container import ContainerRecord
from orlop.model.errors import OrlopError
from orlop.services.deck import Deck
from orlop.services.nri_updates import update_all

log = logging.getLogger(__name__)


async def ended(deck: Deck, record: ContainerRecord) -> None:
    """Tell that a container has ended: once, whoever sees it first; everybody waits until it is told."""
    if record.infra or record.id in deck.ends_told:
        return
    await deck.ending.do(f"tell plugins of the end of {record.id}", lambda: _tell_end(deck, record))


async def _tell_end(deck: Deck, record: ContainerRecord) -> None:
    if record.id in deck.ends_told or record.id not in deck.state.containers:
        return
    entry = deck.state.containers.get(record.id)
    if entry.status.made and record.pod_id in deck.state.pods:
        try:
            await update_all(deck, await deck.plugins.stop(deck.state.pods.get(record.pod_id), entry))
        except OrlopError as error:
            log.warning("after the end of container %s: %s", record.id, error)
    if record.id in deck.state.containers:
        deck.ends_told.add(record.id)


async def removed(deck: Deck, entry: ContainerEntry) -> None:
    """Tell that a container is about to be forgotten, or that its making has failed."""
    record = entry.record
    if not record.infra and record.pod_id in deck.state.pods:
        if entry.status.made:
            await ended(deck, record)
        await deck.plugins.remove(deck.state.pods.get(record.pod_id), entry)
    deck.ends_told.discard(record.id)
