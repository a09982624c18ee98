"""Start-up: records are compared with what the kernel shows, and repaired.

There is no clean shutdown: this runs after SIGTERM, SIGKILL and power loss alike. One broken object never keeps the
others, or the daemon, from coming back.
"""

import asyncio
import logging
import os
import time

from orlop.engine.monitor.conmon import Monitored
from orlop.engine.state.table import ContainerEntry, PodEntry
from orlop.linux import null_device
from orlop.linux.files import ensure_dir
from orlop.linux.mounts import is_mountpoint
from orlop.linux.processes import alive
from orlop.model.container import ContainerRecord
from orlop.services import oom, restoring, strays
from orlop.services.carriers.choice import carrier_of
from orlop.services.deck import Deck
from orlop.services.exits import after_exit, follow, monitor_gone
from orlop.services.naming import container_key, pod_key
from orlop.services.network import recover_host_ports

log = logging.getLogger(__name__)


async def recover(deck: Deck) -> None:
    """Bring records and kernel together; then what is half made or owed is collected in the background."""
    began = time.monotonic()
    null_device.restore()
    for directory in (deck.settings.exit_dir, deck.settings.socket_dir, f"{deck.settings.state_dir}/containers"):
        ensure_dir(directory, 0o711)
    for pod in deck.state.pods:
        _take_name(deck.pod_names, pod_key(pod.record.config.metadata), pod)
        try:
            _recover_pod(deck, pod)
        except Exception as error:  # one pod must not keep the node down
            log.error("pod sandbox %s cannot be repaired: %s", pod.record.id, error)
    await asyncio.gather(*(_recover_container(deck, entry) for entry in deck.state.containers))
    await strays.remove(deck)
    await recover_host_ports(deck)
    deck.garbage_wanted.set()
    pods, containers = len(deck.state.pods), len(deck.state.containers)
    log.info("recovered %d pods and %d containers in %.0f ms", pods, containers, (time.monotonic() - began) * 1000)


def _take_name(names: dict[str, str], key: str, entry: PodEntry | ContainerEntry) -> None:
    """What is made has the name, whatever else was left half made under it."""
    if entry.status.made:
        names[key] = entry.record.id
    else:
        names.setdefault(key, entry.record.id)


def _recover_pod(deck: Deck, pod: PodEntry) -> None:
    """A pod whose pinned namespaces have gone (somebody unmounted them) cannot take containers any more."""
    if not pod.status.made or pod.status.stopped_at:
        return
    spaces = pod.record.namespaces
    for kind, path in (
        ("network", spaces.net),
        ("IPC", spaces.ipc),
        ("UTS", spaces.uts),
        ("user", spaces.user),
    ):
        if path and not is_mountpoint(path):
            log.error("pod sandbox %s has lost its %s namespace at %s", pod.record.id, kind, path)
            deck.state.pods.update(pod.record.id, lost=f"its {kind} namespace at {path} is gone")
            return


async def _recover_container(deck: Deck, entry: ContainerEntry) -> None:
    record = entry.record
    _take_name(deck.container_names, container_key(record.pod_id, record.config.metadata), entry)
    try:
        if entry.status.finished_at:
            _recover_end(deck, record)
        elif entry.status.made:
            await _recover_living(deck, entry)
    except Exception as error:  # one container must not keep the node down
        log.error("container %s cannot be repaired: %s", record.id, error)


async def _recover_living(deck: Deck, entry: ContainerEntry) -> None:
    record, status = entry.record, entry.status
    if restoring.waits(entry):
        await restoring.recover(deck, entry)
        return
    monitored = Monitored(
        pid=status.pid,
        pid_start=status.pid_start,
        monitor_pid=status.monitor_pid,
        monitor_start=status.monitor_start,
    )
    follow(deck, record.id, monitored)
    _let_go_on(deck, record)
    await _recover_start(deck, entry)
    if _has_ended(deck, entry):
        await monitor_gone(deck, record.id)
    else:
        oom.watch(deck, record)


def _let_go_on(deck: Deck, record: ContainerRecord) -> None:
    """A daemon that was killed in the middle of a checkpoint, or while it ended a command, has left it frozen."""
    if deck.hierarchy.frozen(record.cgroup):
        log.warning("container %s was left frozen by an earlier daemon: it goes on", record.id)
        deck.hierarchy.thaw(record.cgroup)


def _has_ended(deck: Deck, entry: ContainerEntry) -> bool:
    """The watches will tell it too, but what the first request sees should be right already."""
    told = os.path.lexists(f"{deck.settings.exit_dir}/{entry.record.id}")
    return told or not alive(entry.status.monitor_pid, entry.status.monitor_start)


def _recover_end(deck: Deck, record: ContainerRecord) -> None:
    """The daemon may have died between the record of an exit and what follows it."""
    deck.ends_told.add(record.id)  # plugins join anew, and are told that it has ended
    if carrier_of(deck, record).has_record(record):
        deck.background.spawn(after_exit(deck, record), f"after the exit of {record.id}")


async def _recover_start(deck: Deck, entry: ContainerEntry) -> None:
    """The daemon may have died between the start and its record."""
    record = entry.record
    started = await carrier_of(deck, record).resume(entry)
    if started and not entry.status.started_at:
        deck.state.containers.update(record.id, started_at=time.time_ns())
