"""What could not be undone is tried again until it is: owed CNI DELs, and pods and containers that were half made.

It sleeps until something is left over, and then tries with growing pauses: an idle node is not woken.
"""

import asyncio
import logging

from orlop.engine.cni.attachment import Attachment
from orlop.model.errors import OrlopError
from orlop.services import pause
from orlop.services.container_remove import dismantle
from orlop.services.deck import Deck
from orlop.services.exits import kill_leftovers
from orlop.services.faults import tell
from orlop.services.naming import container_key, container_title, pod_title
from orlop.services.network import attached, is_being_made
from orlop.services.sandbox_remove import forget
from orlop.services.sandbox_stop import let_go, release
from orlop.services.steps import Steps

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
            left += not await _take_container_apart(deck, entry.record.id)
    for pod in list(deck.state.pods):
        if not pod.status.made and not is_being_made(deck, pod):
            left += not await take_pod_apart(deck, pod.record.id)
    for orphan in await deck.network.orphans(lambda: attached(deck)):
        left += not await _detach(deck, orphan)
    return left


def _pod_is_being_made(deck: Deck, pod_id: str) -> bool:
    return pod_id in deck.state.pods and is_being_made(deck, deck.state.pods.get(pod_id))


async def take_pod_apart(deck: Deck, pod_id: str) -> bool:
    """Remove every part that a pod which was never finished may have. True when nothing is left."""
    entry = deck.state.pods.get(pod_id)
    steps = Steps(pod_title(entry.record.config.metadata))
    try:
        for container in deck.state.containers_of(pod_id):
            await _take_container_apart(deck, container.record.id)
        await pause.end(deck, pod_id)
        await release(deck, entry, steps)
        await forget(deck, entry, steps)
    except Exception as error:  # whatever is in the way now may be gone in the next round
        log.warning("%s", tell(error, steps.what, steps.step))
        return False
    log.info("%s was never finished; its parts are removed", steps.what)
    return True


async def _take_container_apart(deck: Deck, container_id: str) -> bool:
    entry = deck.state.containers.get(container_id)
    steps = Steps(container_title(entry.record.config.metadata, deck.pod_metadata(entry.record.pod_id)))
    try:
        steps.enter("kill what it has started")
        await kill_leftovers(deck, entry.record)
        await dismantle(deck, entry, steps)
    except Exception as error:  # whatever is in the way now may be gone in the next round
        log.warning("%s", tell(error, steps.what, steps.step))
        return False
    log.info("%s was never finished; its parts are removed", steps.what)
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
