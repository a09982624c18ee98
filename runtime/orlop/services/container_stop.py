"""StopContainer: the stop signal, the grace period, then SIGKILL until the exit is on record.

    signal ──grace──▶ SIGKILL ──▶ exit on record
       └────── exit on record

No lock is held while waiting. A second stop joins the first and can only shorten its grace period.
"""

import asyncio
import logging

from orlop.engine.state.table import ContainerEntry
from orlop.model import signals
from orlop.model.container import ContainerRecord
from orlop.model.enums import ContainerState
from orlop.model.errors import NotFound, TimedOut
from orlop.services import restoring
from orlop.services.carriers.choice import carrier_of
from orlop.services.deck import Deck, Grace
from orlop.services.exits import finish_unstarted, kill_leftovers, wait_exit
from orlop.services.naming import container_title
from orlop.services.nri_ends import ended

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds that the exit may take to be told after a SIGKILL to the first process."""
KILL_PATIENCE = 30.0
"""Seconds that a SIGKILL may take: longer means a process in uninterruptible sleep."""
SIGKILL = 9


async def stop_container(deck: Deck, container_id: str, timeout: int) -> None:
    """Stop a container, giving it so many seconds; 0 kills at once. Unknown and ended ones are fine (CRI)."""
    try:
        entry = deck.state.containers.find(container_id)
    except NotFound:
        return
    if entry.status.state is not ContainerState.CONTAINER_EXITED:
        _shorten(deck, entry.record.id, max(0, timeout))
        await deck.ending.do(f"stop {entry.record.id}", lambda: _stop(deck, entry))
    if entry.status.made:
        await ended(deck, entry.record)


def _shorten(deck: Deck, container_id: str, timeout: float) -> None:
    at = asyncio.get_running_loop().time() + timeout
    grace = deck.graces.setdefault(container_id, Grace(at))
    if at < grace.at:
        grace.at = at
        grace.shortened.set()


async def _stop(deck: Deck, entry: ContainerEntry) -> None:
    record = entry.record
    try:
        if not entry.status.made:
            # Its making failed and could not be undone: it has no monitor, and no exit to wait for.
            await kill_leftovers(deck, record)
            return
        if restoring.waits(entry):
            finish_unstarted(deck, entry)
            return
        if entry.status.state is ContainerState.CONTAINER_RUNNING:
            await carrier_of(deck, record).signal(entry, signals.number(record.stop_signal))
            if await _ended_in_grace(deck, record.id):
                return
        await _kill(deck, entry)
    finally:
        deck.graces.pop(record.id, None)


async def _ended_in_grace(deck: Deck, container_id: str) -> bool:
    """Wait for the exit until the grace period is over; another stop may shorten it meanwhile."""
    grace, exited = deck.graces[container_id], deck.exited.get(container_id)
    loop = asyncio.get_running_loop()
    while (left := grace.at - loop.time()) > 0 and exited is not None:
        grace.shortened.clear()
        waits = {asyncio.ensure_future(exited.wait()), asyncio.ensure_future(grace.shortened.wait())}
        try:
            await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if exited.is_set():
            return True
    return exited is None


async def _kill(deck: Deck, entry: ContainerEntry) -> None:
    record = entry.record
    await carrier_of(deck, record).signal(entry, SIGKILL)
    if await wait_exit(deck, record.id, PATIENCE):
        return
    # A frozen cgroup, or a process that shares the PID namespace and holds the log's pipe, keeps its keeper waiting.
    try:
        await kill_leftovers(deck, record)
    except OSError as error:
        # Some are left: they may yet end in the time below, and are named if they do not.
        log.warning("container %s: %s", record.id, error)
    if not await wait_exit(deck, record.id, KILL_PATIENCE):
        raise TimedOut(_unkillable(deck, record))


def _unkillable(deck: Deck, record: ContainerRecord) -> str:
    title = container_title(record.config.metadata, deck.pod_metadata(record.pod_id))
    pids = deck.hierarchy.pids(record.cgroup)
    return (
        f"{title} did not end {KILL_PATIENCE:.0f} s after SIGKILL; "
        f"processes {pids} are left, probably waiting for a disk or network filesystem"
    )
