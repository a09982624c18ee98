"""GetContainerEvents: what happens to containers and pods, told to everybody who listens.

The verbs publish here when the state has changed, in the order of the changes. A pod's own sandbox is told like a
container whose id is the pod's, as peers do: created and started, stopped, deleted. Pause processes are not told.

A listener that does not take its events in time is cut off with an error, and nobody waits for it. A gap that it did
not know of would stay until the kubelet's next full look, minutes later; at an error it looks and listens anew.
"""

import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from orlop.aio.broadcast import FellBehind
from orlop.engine.state.table import ContainerEntry, PodEntry
from orlop.model.enums import ContainerEventType
from orlop.model.errors import NotFound, ResourceExhausted, Unavailable
from orlop.model.event import ContainerEvent
from orlop.services import container_status, sandbox_status
from orlop.services.deck import Deck

log = logging.getLogger(__name__)


async def follow(deck: Deck) -> AsyncGenerator[ContainerEvent, None]:
    """Every event from now on. Ends with ResourceExhausted for a slow listener, Unavailable when the daemon stops."""
    try:
        async with aclosing(deck.events.follow()) as followed:
            async for event in followed:
                yield event
    except FellBehind as error:
        raise ResourceExhausted(
            f"events came faster than this client took them, and {error.lost} are lost: "
            "list pods and containers to see the present state, and ask for events anew"
        ) from error
    raise Unavailable("the daemon is stopping: ask for events anew")


def container_event(deck: Deck, entry: ContainerEntry, kind: ContainerEventType) -> None:
    """Tell what has happened to a container that is or was shown."""
    if entry.record.infra or not entry.status.made:
        return
    try:
        pod = deck.state.pods.get(entry.record.pod_id)
    except NotFound:
        pod = None
    _publish(deck, entry.record.id, pod, kind)


def pod_event(deck: Deck, entry: PodEntry, *kinds: ContainerEventType) -> None:
    """Tell what has happened to the sandbox of a pod that is or was shown."""
    for kind in kinds if entry.status.made else ():
        _publish(deck, entry.record.id, entry, kind)


def _publish(deck: Deck, object_id: str, pod: PodEntry | None, kind: ContainerEventType) -> None:
    if not len(deck.events):  # nobody listens: no state is put together
        return
    # The kubelet keeps the newest state by this time, so it must not go back with the clock.
    deck.last_event = max(time.time_ns(), deck.last_event + 1)
    event = ContainerEvent(
        container_id=object_id,
        container_event_type=kind,
        created_at=deck.last_event,
        pod_sandbox_status=sandbox_status.view(pod) if pod else None,
        containers_statuses=container_status.of_pod(deck, pod.record.id) if pod else (),
    )
    if cut := deck.events.send(event):
        log.warning("%d listeners to events were too slow and are cut off; %d events are lost since the daemon's start",
                    cut, deck.events.lost)  # fmt: skip
