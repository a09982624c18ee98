"""Limits that NRI plugins want for living containers, applied and put on record."""

import logging
from collections.abc import Sequence

import msgspec

from orlop.engine.nri.port import Update
from orlop.engine.oci.inputs import Spec
from orlop.engine.state.table import ContainerEntry
from orlop.model.enums import ContainerState
from orlop.model.errors import FailedPrecondition, OrlopError
from orlop.model.resources import HugepageLimit, LinuxContainerResources
from orlop.services.carriers.choice import carrier_of
from orlop.services.deck import Deck

log = logging.getLogger(__name__)


async def update_all(deck: Deck, updates: Sequence[Update]) -> list[Update]:
    """Apply limits that plugins want; those that failed come back, and are told in the log."""
    failed = []
    for update in updates:
        try:
            entry = deck.state.containers.get(update.container_id)
            async with deck.locks(entry.record.id):
                await apply_limits(deck, entry, update.resources)
        except (OrlopError, OSError) as error:
            log.warning("NRI plugin %s: container %s is not updated: %s", update.plugins, update.container_id, error)
            failed.append(update)
    return failed


async def apply_limits(deck: Deck, entry: ContainerEntry, resources: Spec) -> None:
    """Set limits (runtime-spec, linux.resources) and put them on record. The container's lock is held."""
    if not entry.status.made or entry.status.state is ContainerState.CONTAINER_EXITED:
        raise FailedPrecondition("it has ended, or is not made yet")
    await carrier_of(deck, entry.record).update(entry.record, resources)
    old = entry.status.resources or LinuxContainerResources()
    deck.state.containers.update(entry.record.id, resources=told_limits(old, resources))


def told_limits(old: LinuxContainerResources, resources: Spec) -> LinuxContainerResources:
    """The limits as the CRI tells them, with those of a linux.resources in their place."""
    cpu, memory = resources.get("cpu", {}), resources.get("memory", {})
    given = {
        "cpu_period": cpu.get("period"),
        "cpu_quota": cpu.get("quota"),
        "cpu_shares": cpu.get("shares"),
        "cpuset_cpus": cpu.get("cpus"),
        "cpuset_mems": cpu.get("mems"),
        "memory_limit_in_bytes": memory.get("limit"),
        "memory_swap_limit_in_bytes": memory.get("swap"),
    }
    changes: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if resources.get("unified"):
        changes["unified"] = old.unified | resources["unified"]
    if pages := resources.get("hugepageLimits"):
        changes["hugepage_limits"] = tuple(HugepageLimit(page_size=p["pageSize"], limit=p["limit"]) for p in pages)
    return msgspec.structs.replace(old, **changes)
