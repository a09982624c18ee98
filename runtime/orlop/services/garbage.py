"""What could not be undone is tried again until it is: owed CNI DELs, and pods and containers that were half made.

It sleeps until something is left over, and then tries with growing pauses: an idle node is not woken.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from orlop.engine.cni.attachment import Attachment
from orlop.model.errors import OrlopError
from orlop.services.deck import Deck
from orlop.services.faults import tell
from orlop.services.naming import container_key, container_title, pod_title
from orlop.services.network import attached, is_being_made
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
        left = await collect(deck)
        if not left:
            pause_seconds = FIRST_PAUSE
            continue
        log.info("%d things are left to be undone; next try in %.0f s", left, pause_seconds)
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE)
        deck.garbage_wanted.set()


async def collect(deck: Deck) -> int:
    """One round. Returns how many things are still left."""
    left = 0
    for entry in list(deck.state.containers):
        name = container_key(entry.record.pod_id, entry.record.config.metadata)
        if (
            not entry.status.made
            and not deck.making.standing(name)
            and not _pod_is_being_made(deck, entry.record.pod_id)
        ):
            title = container_title(entry.record.config.metadata, deck.pod_metadata(entry.record.pod_id))
            left += not await _has_gone(take_container_apart, deck, entry.record.id, title)
    for pod in list(deck.state.pods):
        if not pod.status.made and not is_being_made(deck, pod):
            title = pod_title(pod.record.config.metadata)
            left += not await _has_gone(take_pod_apart, deck, pod.record.id, title)
    for orphan in await deck.network.orphans(lambda: attached(deck)):
        left += not await _detach(deck, orphan)
    return left


def _pod_is_being_made(deck: Deck, pod_id: str) -> bool:
    return pod_id in deck.state.pods and is_being_made(deck, deck.state.pods.get(pod_id))


async def _has_gone(take_apart: Callable[[Deck, str], Awaitable[None]], deck: Deck, object_id: str, title: str) -> bool:
    try:
        await take_apart(deck, object_id)
    except Exception as error:  # whatever is in the way now may be gone in the next round
        log.warning("%s", tell(error, title, "take apart what was never finished"))
        return False
    return True


async def _detach(deck: Deck, orphan: Attachment) -> bool:
    """Run a DEL that is owed. True when it has worked."""
    try:
        await deck.network.remove(orphan)
    except OrlopError as error:
        log.warning("CNI DEL of pod %s is still owed: %s", orphan.pod, error)
        return False
    log.info("CNI DEL of pod %s, which was owed, has worked", orphan.pod)
    await let_go(deck, orphan.pod_id, Steps(f"pod {orphan.pod}"))
    return True
