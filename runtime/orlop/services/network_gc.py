"""CNI's GC (1.1): plugins are told which attachments are valid, at the daemon's start and once a day.

What is owed to pods that we know of is DEL, in garbage; GC is for what plugins keep and nobody has on record.
"""

import asyncio
import logging

from orlop.engine.cni.attachment import Attachment
from orlop.model.errors import OrlopError
from orlop.services.deck import Deck
from orlop.services.network import attached, attachment

log = logging.getLogger(__name__)

PERIOD = 24 * 3600.0
"""Seconds between two rounds."""
RETRY = 60.0
"""Seconds until a round that failed, or came before the network was ready, is tried again."""


async def run_network_gc(deck: Deck) -> None:
    """Collect now, and then once a day; runs as long as the daemon."""
    while True:
        # At the daemon's start the plugins have not been asked for their STATUS yet, and nobody is ready before that.
        await deck.network.answered(RETRY)
        done = await collect(deck)
        await asyncio.sleep(PERIOD if done else RETRY)


async def collect(deck: Deck) -> bool:
    """One round. False where it must be tried again soon."""
    if not deck.network.readiness().ready:
        return False
    try:
        await deck.network.gc(valid(deck))
    except (OrlopError, OSError) as error:
        log.warning("the network's plugins cannot collect garbage now: %s", error)
        return False
    return True


def valid(deck: Deck) -> list[Attachment]:
    """The attachments of pods that have a network, or are getting one."""
    known = attached(deck)
    return [
        attachment(deck, entry.record)
        for entry in deck.state.pods
        if entry.record.id in known and entry.record.namespaces.net
    ]
