"""The end of containers: seen by conmon's exit file, or by conmon's own death; put on record once; waited for by stops.

What happens after the end (deleting it from the OCI runtime) is begun here, in the background; removal is a verb.
"""

import asyncio
import logging
import time

from orlop.engine.monitor.conmon import Monitored
from orlop.engine.monitor.exits import ContainerExit, read_exit
from orlop.engine.state.table import ContainerEntry
from orlop.model.container import ContainerRecord
from orlop.model.enums import ContainerEventType, NamespaceMode
from orlop.model.errors import NotFound
from orlop.services import events, nri_ends, oom
from orlop.services.carriers.choice import carrier_of
from orlop.services.deck import Deck
from orlop.services.naming import container_title

log = logging.getLogger(__name__)

UNKNOWN_EXIT_CODE = 255
"""Reported when nobody saw how a container ended, as peers do."""
KILLED = 137
"""128 and SIGKILL's number: what stopping an unstarted container gives."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds between two tries to put an exit on record."""


async def watch_exits(deck: Deck) -> None:
    """Record exits as they happen; runs as long as the daemon."""
    async for ended in deck.exit_watch:
        try:
            record_exit(deck, ended)
        except Exception as error:  # whatever it is, the ends of all other containers are still to be told
            _try_again(deck, ended.container_id, error)


def follow(deck: Deck, container_id: str, monitored: Monitored) -> None:
    """Begin to wait for a container's end. An end that has happened already is seen at once."""
    deck.exited[container_id] = asyncio.Event()
    deck.monitor_watch.watch(container_id, monitored.monitor_pid, monitored.monitor_start)


def unfollow(deck: Deck, container_id: str) -> None:
    """Stop waiting; the exit file is removed."""
    deck.monitor_watch.forget(container_id)
    deck.exit_watch.forget(container_id)
    if (event := deck.exited.pop(container_id, None)) is not None:
        event.set()


async def wait_exit(deck: Deck, container_id: str, seconds: float) -> bool:
    """True when the container's exit is on record within so many seconds."""
    event = deck.exited.get(container_id)
    if event is None:
        return True
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def record_exit(deck: Deck, ended: ContainerExit) -> None:
    """Put an exit on record, once. The exit of a container that is still being made waits in its file."""
    try:
        entry = deck.state.containers.get(ended.container_id)
    except NotFound:
        # Containers come on record before they exist: this one was taken back while its monitor wrote its last word.
        deck.exit_watch.forget(ended.container_id)
        return
    if not entry.status.made or entry.status.finished_at:
        return
    oom_killed = _oom_seen(deck, entry.record, ended.exit_code) or ended.oom_killed
    reason = "OOMKilled" if oom_killed else "Completed" if ended.exit_code == 0 else "Error"
    _finish(deck, entry, ended.exit_code, ended.finished_at, reason=reason, oom_killed=oom_killed, message="")


async def monitor_gone(deck: Deck, container_id: str) -> None:
    """conmon has ended. It leaves the exit file first; without one nobody will ever see the exit, so it ends here."""
    try:
        await _end_unwatched(deck, container_id)
    except Exception as error:  # whatever it is, the container must not seem to run for ever
        _try_again(deck, container_id, error)


async def _end_unwatched(deck: Deck, container_id: str) -> None:
    if not _has_to_end(deck, container_id):
        return
    entry = deck.state.containers.get(container_id)
    ended = read_exit(deck.settings.exit_dir, container_id, entry.record.bundle)
    if ended is not None:
        record_exit(deck, ended)
        return
    carrier = carrier_of(deck, entry.record)
    message = f"its monitor ({carrier.keeper}, pid {entry.status.monitor_pid}) died; the container was killed"
    await carrier.kill_all(entry.record)
    if _has_to_end(deck, container_id):
        log.error("%s: %s", _title(deck, entry.record), message)
        _finish(deck, entry, UNKNOWN_EXIT_CODE, time.time_ns(), reason="Error", oom_killed=False, message=message)


def _has_to_end(deck: Deck, container_id: str) -> bool:
    """Whether it is made, not removed, and without an exit on record."""
    if container_id not in deck.state.containers:
        return False
    status = deck.state.containers.get(container_id).status
    return status.made and not status.finished_at


def _try_again(deck: Deck, container_id: str, error: Exception) -> None:
    """The state database is full, or a process cannot be killed: that passes, and nobody will tell the exit again."""
    log.error("the end of container %s cannot be put on record yet: %s", container_id, error)
    deck.background.spawn(_until_recorded(deck, container_id), f"exit of {container_id}")


async def _until_recorded(deck: Deck, container_id: str) -> None:
    pause = FIRST_PAUSE
    while True:
        await asyncio.sleep(pause)
        try:
            await _end_unwatched(deck, container_id)
            return
        except Exception as error:  # as above
            pause = min(2 * pause, LONGEST_PAUSE)
            log.warning(
                "container %s: its end cannot be put on record; next try in %.0f s: %s", container_id, pause, error
            )


def finish_unstarted(deck: Deck, entry: ContainerEntry) -> None:
    """End a container that has no process and no monitor: one that was to be restored from a checkpoint."""
    message = "it was stopped before its checkpoint was restored"
    _finish(deck, entry, KILLED, time.time_ns(), reason="Error", oom_killed=False, message=message)


def _finish(
    deck: Deck, entry: ContainerEntry, code: int, finished_at: int, *, reason: str, oom_killed: bool, message: str
) -> None:
    record = entry.record
    if record.infra:
        _pause_ended(deck, record)
    deck.state.containers.update(
        record.id,
        exit_code=code,
        # Never before the start, whatever the clock of the file says.
        finished_at=max(finished_at, entry.status.started_at, 1),
        reason=reason,
        oom_killed=oom_killed,
        message=message,
    )
    log.info("%s ended with %d (%s)", _title(deck, record), code, reason)
    deck.stats.forget(record.id)
    deck.monitor_watch.forget(record.id)
    if (event := deck.exited.get(record.id)) is not None:
        event.set()
    if record.id not in deck.starting:
        events.container_event(deck, entry, ContainerEventType.CONTAINER_STOPPED_EVENT)
    deck.background.spawn(after_exit(deck, record), f"after the exit of {record.id}")


def _pause_ended(deck: Deck, record: ContainerRecord) -> None:
    """A pod whose pause process died has lost its PID namespace, unless the pod is being stopped."""
    if not deck.ending.running(f"stop pod {record.pod_id}") and record.pod_id in deck.state.pods:
        deck.state.pods.update(record.pod_id, lost="its pause process has ended")
        events.pod_event(deck, deck.state.pods.get(record.pod_id), ContainerEventType.CONTAINER_STOPPED_EVENT)


async def after_exit(deck: Deck, record: ContainerRecord) -> None:
    """Free what a container that ended still holds: processes it left in a shared PID namespace, and its cgroup."""
    await nri_ends.ended(deck, record)
    # A container may end while its start is still going on, and the OCI runtime then uses what is deleted here.
    async with deck.locks(record.id):
        if record.id not in deck.state.containers:
            return
        if record.config.linux.security_context.namespace_options.pid is not NamespaceMode.CONTAINER:
            await kill_leftovers(deck, record)
        await delete(deck, record)


async def delete(deck: Deck, record: ContainerRecord) -> None:
    """Delete the container from its carrier, once: two deletes at a time trip over each other."""
    if record.id not in deck.deleted:
        await deck.ending.do(f"delete {record.id}", lambda: carrier_of(deck, record).delete(record))
        deck.deleted.add(record.id)


async def kill_leftovers(deck: Deck, record: ContainerRecord) -> None:
    """Kill every process in the container's cgroup, also where it has no PID namespace of its own."""
    await carrier_of(deck, record).kill_all(record)


def _oom_seen(deck: Deck, record: ContainerRecord, exit_code: int) -> bool:
    """The kernel's own count: conmon misses kills when the cgroup goes before it looks."""
    try:
        return oom.killed(deck, record, exit_code)
    except OSError:
        return False


def _title(deck: Deck, record: ContainerRecord) -> str:
    return container_title(record.config.metadata, deck.pod_metadata(record.pod_id))
