"""What could not be undone is tried again until it is: owed CNI DELs, and pods and containers that were half made.

It sleeps until something is left over, and then tries with growing pauses: an idle node is not woken.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from orlop.engine.cni.attachment import Attachment
from orlop.services.deck import Deck
from orlop.services.faults import tell
from orlop.services.naming import container_title, pod_title
from orlop.services.network import attached
from orlop.services.sandbox_stop import let_go
from orlop.services.steps import Steps
from orlop.services.unfinished import take_container_apart, take_pod_apart

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 300.0
"""Seconds between two rounds."""


async def run_garbage(deck: Deck) -> None:
    """Collect whenever something is wanted; runs as long as the daemon."""
    pause_seconds = FIRST_PAUSE
    while True:
        await deck.garbage_wanted.wait()
        deck.garbage_wanted.clear()
        left = await _collect_safely(deck)
        if not left:
            pause_seconds = FIRST_PAUSE
            continue
        log.info("%d things are left to be undone; next try in %.0f s", left, pause_seconds)
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE)
        deck.garbage_wanted.set()


async def _collect_safely(deck: Deck) -> int:
    try:
        return await collect(deck)
    except Exception as error:  # an unreadable directory, say: nobody else would ever try again
        log.exception("garbage cannot be collected: %s", error)
        return 1


async def collect(deck: Deck) -> int:
    """One round. Returns how many things are still left."""
    left = 0
    for entry in deck.state.containers:
        if not entry.status.made and entry.record.id not in deck.building:
            title = container_title(entry.record.config.metadata, deck.pod_metadata(entry.record.pod_id))
            left += not await _has_gone(take_container_apart, deck, entry.record.id, title)
    for pod in deck.state.pods:
        if not pod.status.made and pod.record.id not in deck.building:
            title = pod_title(pod.record.config.metadata)
            left += not await _has_gone(take_pod_apart, deck, pod.record.id, title)
    left += not await _host_ports_settled(deck)
    for orphan in await deck.network.orphans(lambda: attached(deck)):
        left += not await _detach(deck, orphan)
    return left


async def _has_gone(take_apart: Callable[[Deck, str], Awaitable[None]], deck: Deck, object_id: str, title: str) -> bool:
    try:
        await take_apart(deck, object_id)
    except Exception as error:  # whatever is in the way now may be gone in the next round
        log.warning("%s", tell(error, title, "take apart what was never finished"))
        return False
    return True


async def _host_ports_settled(deck: Deck) -> bool:
    """Write the host ports again where that has failed. True when they are as they should be."""
    try:
        await deck.host_ports.settle()
    except Exception as error:  # whatever is in the way now may be gone in the next round
        log.warning("%s", error)
        return False
    return True


async def _detach(deck: Deck, orphan: Attachment) -> bool:
    """Run a DEL that is owed, and let go of what was kept for it. True when it has worked."""
    steps = Steps(f"pod {orphan.pod}")
    try:
        steps.enter("run the CNI DEL that is owed")
        await deck.network.remove(orphan)
        log.info("CNI DEL of pod %s, which was owed, has worked", orphan.pod)
        await let_go(deck, orphan.pod_id, steps)
    except Exception as error:  # whatever is in the way now may be gone in the next round
        log.warning("%s", tell(error, steps.what, steps.step))
        return False
    return True
