"""StartContainer."""

import time

from orlop.engine.state.table import ContainerEntry
from orlop.model.enums import ContainerEventType, ContainerState
from orlop.model.errors import FailedPrecondition
from orlop.services import events, oom, restoring
from orlop.services.carriers.choice import carrier_of
from orlop.services.container_create import require_ready
from orlop.services.deck import Deck
from orlop.services.faults import told
from orlop.services.naming import container_title
from orlop.services.steps import Steps


async def start_container(deck: Deck, container_id: str) -> None:
    """Run the process of a created container. Any other state is refused, as peers do.

    A caller that gives up does not stop the work: a process that runs would stay on record as created. Its retry joins.
    """
    entry = deck.state.containers.find(container_id)
    await deck.ending.do(f"start {entry.record.id}", lambda: _start(deck, entry))


async def _start(deck: Deck, entry: ContainerEntry) -> None:
    record = entry.record
    steps = Steps(container_title(record.config.metadata, deck.pod_metadata(record.pod_id)))
    with told(steps):
        steps.enter("start")
        _require_startable(deck, entry)
        pod = deck.state.pods.get(record.pod_id)
        if not record.infra:
            await deck.plugins.start_container(pod, entry)
        async with deck.locks(record.id):
            _require_startable(deck, entry)
            await _run(deck, entry)
        if not record.infra:
            await deck.plugins.started(pod, entry)
    steps.log_done("started")


def _require_startable(deck: Deck, entry: ContainerEntry) -> None:
    if entry.status.state is ContainerState.CONTAINER_RUNNING:
        raise FailedPrecondition("it runs already")
    if entry.status.state is not ContainerState.CONTAINER_CREATED:
        raise FailedPrecondition(f"it has ended already with exit code {entry.status.exit_code}")
    require_ready(deck, deck.state.pods.get(entry.record.pod_id))


async def _run(deck: Deck, entry: ContainerEntry) -> None:
    record = entry.record
    deck.starting.add(record.id)
    try:
        oom.watch(deck, record)
        if restoring.waits(entry):
            await restoring.start(deck, entry)
        else:
            await carrier_of(deck, record).start(record)
            deck.state.containers.update(record.id, started_at=time.time_ns())
        if entry.status.finished_at:
            # It ran and ended before this line; its end must not lie before its start.
            finished = max(entry.status.finished_at, entry.status.started_at)
            deck.state.containers.update(record.id, finished_at=finished)
        events.container_event(deck, entry, ContainerEventType.CONTAINER_STARTED_EVENT)
    finally:
        deck.starting.discard(record.id)
        if entry.status.finished_at:
            events.container_event(deck, entry, ContainerEventType.CONTAINER_STOPPED_EVENT)
