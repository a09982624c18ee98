"""Pods and containers that a daemon which died left half made: taken apart, once, whoever asks for it.

The garbage service asks for all of them; a retry that comes sooner asks for the one whose name it wants. Both wait for
the same work. How making goes forward is in sandbox_run and container_create.
"""

import logging

from orlop.services.carriers.choice import carrier_of
from orlop.services.container_remove import dismantle
from orlop.services.deck import Deck
from orlop.services.exits import kill_leftovers
from orlop.services.naming import container_title, pod_title
from orlop.services.sandbox_remove import forget
from orlop.services.sandbox_stop import release
from orlop.services.steps import Steps

log = logging.getLogger(__name__)


async def take_container_apart(deck: Deck, container_id: str) -> None:
    """Remove every part that a container which was never finished may have. One that is gone is fine."""
    await deck.ending.do(f"take apart {container_id}", lambda: _container(deck, container_id))


async def take_pod_apart(deck: Deck, pod_id: str) -> None:
    """Remove every part that a pod which was never finished may have. One that is gone is fine."""
    await deck.ending.do(f"take apart pod {pod_id}", lambda: _pod(deck, pod_id))


async def _container(deck: Deck, container_id: str) -> None:
    if container_id not in deck.state.containers:
        return
    entry = deck.state.containers.get(container_id)
    steps = Steps(container_title(entry.record.config.metadata, deck.pod_metadata(entry.record.pod_id)))
    steps.enter("kill what it has started")
    await carrier_of(deck, entry.record).kill_unfinished(entry.record)  # first: it would go on making it
    await kill_leftovers(deck, entry.record)
    await dismantle(deck, entry, steps)
    log.info("%s was never finished; its parts are removed", steps.what)


async def _pod(deck: Deck, pod_id: str) -> None:
    if pod_id not in deck.state.pods:
        return
    entry = deck.state.pods.get(pod_id)
    steps = Steps(pod_title(entry.record.config.metadata))
    # Its pause process too, which is the only container that such a pod can have.
    for container in deck.state.containers_of(pod_id):
        await take_container_apart(deck, container.record.id)
    await release(deck, entry, steps)
    await forget(deck, entry, steps)
    log.info("%s was never finished; its parts are removed", steps.what)
