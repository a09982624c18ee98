"""Start-up: records are compared with what the kernel shows, and repaired.

There is no clean shutdown: this runs after SIGTERM, SIGKILL and power loss alike. One broken object never keeps the
others, or the daemon, from coming back.
"""

import asyncio
import logging
import os
import time

from orlop.engine.monitor.conmon import Monitored
from orlop.engine.monitor.exits import read_exit
from orlop.engine.state.table import ContainerEntry, PodEntry
from orlop.linux.files import ensure_dir
from orlop.linux.mounts import is_mountpoint
from orlop.linux.processes import alive
from orlop.services import oom, strays
from orlop.services.deck import Deck
from orlop.services.exits import follow, monitor_gone, record_exit
from orlop.services.naming import container_key, pod_key

log = logging.getLogger(__name__)


async def recover(deck: Deck) -> None:
    """Bring records and kernel together; then what is half made or owed is collected in the background."""
    began = time.monotonic()
    for directory in (deck.settings.exit_dir, deck.settings.socket_dir, f"{deck.settings.state_dir}/containers"):
        ensure_dir(directory, 0o711)
    for pod in deck.state.pods:
        deck.pod_names[pod_key(pod.record.config.metadata)] = pod.record.id
        _recover_pod(deck, pod)
    await asyncio.gather(*(_recover_container(deck, entry) for entry in deck.state.containers))
    await strays.remove(deck)
    deck.garbage_wanted.set()
    pods, containers = len(deck.state.pods), len(deck.state.containers)
    log.info("recovered %d pods and %d containers in %.0f ms", pods, containers, (time.monotonic() - began) * 1000)


def _recover_pod(deck: Deck, pod: PodEntry) -> None:
    """A pod whose pinned namespaces have gone (somebody unmounted them) cannot take containers any more."""
    if not pod.status.made or pod.status.stopped_at:
        return
    spaces = pod.record.namespaces
    for kind, path in (("network", spaces.net), ("IPC", spaces.ipc), ("UTS", spaces.uts)):
        if path and not is_mountpoint(path):
            log.error("pod sandbox %s has lost its %s namespace at %s", pod.record.id, kind, path)
            deck.state.pods.update(pod.record.id, lost=f"its {kind} namespace at {path} is gone")
            return


async def _recover_container(deck: Deck, entry: ContainerEntry) -> None:
    record, status = entry.record, entry.status
    deck.container_names[container_key(record.pod_id, record.config.metadata)] = record.id
    if not status.made or status.finished_at:
        return
    _recover_start(deck, entry)
    monitored = Monitored(
        pid=status.pid,
        pid_start=status.pid_start,
        monitor_pid=status.monitor_pid,
        monitor_start=status.monitor_start,
    )
    follow(deck, record.id, monitored)
    ended = read_exit(deck.settings.exit_dir, record.id, record.bundle)
    if ended is not None:
        record_exit(deck, ended)
    elif not alive(status.monitor_pid, status.monitor_start):
        await monitor_gone(deck, record.id)
    else:
        oom.watch(deck, record)


def _recover_start(deck: Deck, entry: ContainerEntry) -> None:
    """The daemon may have died between the start and its record. runc and crun remove this fifo when they start it."""
    record = entry.record
    if not entry.status.started_at and not os.path.exists(f"{record.runtime_root}/{record.id}/exec.fifo"):
        deck.state.containers.update(record.id, started_at=time.time_ns())
