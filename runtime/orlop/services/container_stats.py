"""ContainerStats and ListContainerStats: one cheap cgroup reading a container, no process and no disk walk."""

import time

import msgspec

from orlop.engine.state.table import ContainerEntry
from orlop.model.enums import ContainerState
from orlop.model.stats import ContainerStats, ContainerStatsFilter
from orlop.services.carriers.shim_stats import told_usage
from orlop.services.deck import Deck
from orlop.services.measuring import all_that_can
from orlop.services.selecting import labels_match


async def container_stats(deck: Deck, container_id: str) -> ContainerStats:
    """Figures of one container. An ended one has only its writable layer."""
    return await measure(deck, deck.state.containers.find(container_id))


async def list_container_stats(deck: Deck, wanted: ContainerStatsFilter | None) -> list[ContainerStats]:
    """Figures of every running container that all given conditions fit."""
    entries = [entry for entry in deck.state.containers if _fits(entry, wanted)]
    return await all_that_can(measure(deck, entry) for entry in entries)


async def measure(deck: Deck, entry: ContainerEntry) -> ContainerStats:
    """Figures of one container."""
    record = entry.record
    upper = await deck.roots.usage(record.id)
    told = None
    if record.shim is not None and record.shim.stats == "shim":
        told = await told_usage(deck, record) if _runs(entry) else None
        record = msgspec.structs.replace(record, cgroup="")  # what the node would read there is not the container's
    return deck.stats.container(record, time.time_ns(), upper, deck.settings.root_dir, told=told)


def _runs(entry: ContainerEntry) -> bool:
    return entry.status.state is ContainerState.CONTAINER_RUNNING


def _fits(entry: ContainerEntry, wanted: ContainerStatsFilter | None) -> bool:
    record, status = entry.record, entry.status
    if not status.made or record.infra or not _runs(entry):
        return False
    if wanted is None:
        return True
    return (
        record.id.startswith(wanted.id)
        and record.pod_id.startswith(wanted.pod_sandbox_id)
        and labels_match(wanted.label_selector, record.config.labels)
    )
