"""UpdateContainerResources: new limits for a living container (in-place pod resize)."""

import msgspec

from orlop.engine.oci.inputs import Spec
from orlop.engine.oci.resources import linux_resources
from orlop.engine.state.table import ContainerEntry
from orlop.model.enums import ContainerState
from orlop.model.errors import FailedPrecondition
from orlop.model.resources import LinuxContainerResources
from orlop.services import nri
from orlop.services.carriers.choice import carrier_of
from orlop.services.deck import Deck
from orlop.services.faults import told
from orlop.services.naming import container_title
from orlop.services.nri_updates import told_limits
from orlop.services.steps import Steps


async def update_container_resources(deck: Deck, container_id: str, wanted: LinuxContainerResources) -> None:
    """Apply the limits that are set; the others stay. Status reports the result. Not for ended containers (CRI)."""
    entry = deck.state.containers.find(container_id)
    record = entry.record
    steps = Steps(container_title(record.config.metadata, deck.pod_metadata(record.pod_id)))
    with told(steps):
        steps.enter("update its resources")
        _require_living(entry)
        pod = deck.state.pods.get(record.pod_id)
        limits = linux_resources(with_swap(_limits(entry), wanted), deck.facts)
        updated = await deck.plugins.update(pod, entry, limits)
        await nri.settle(deck, updated.updates, updated.evictions)
        async with deck.locks(record.id):
            _require_living(entry)
            _require_room(deck, entry, updated.resources)
            await carrier_of(deck, record).update(record, updated.resources)
            resources = merged(_limits(entry), with_swap(_limits(entry), wanted))
            if updated.resources != limits:
                resources = told_limits(resources, updated.resources)
            deck.state.containers.update(record.id, resources=resources)
        await deck.plugins.updated(pod, entry)


def _require_living(entry: ContainerEntry) -> None:
    if entry.status.state is ContainerState.CONTAINER_EXITED:
        raise FailedPrecondition("it has ended")


def _limits(entry: ContainerEntry) -> LinuxContainerResources:
    return entry.status.resources or LinuxContainerResources()


def merged(old: LinuxContainerResources, new: LinuxContainerResources) -> LinuxContainerResources:
    """The limits in force: of each field the new value where one is set."""
    changes = {field: value for field in old.__struct_fields__ if (value := getattr(new, field))}
    return msgspec.structs.replace(old, **changes)


def with_swap(old: LinuxContainerResources, new: LinuxContainerResources) -> LinuxContainerResources:
    """The new limits, where only memory's is set with the old one of memory and swap together, if it can stay."""
    both, memory = old.memory_swap_limit_in_bytes, new.memory_limit_in_bytes
    if new.memory_swap_limit_in_bytes or memory <= 0 or 0 <= both < memory:
        return new
    return msgspec.structs.replace(new, memory_swap_limit_in_bytes=both)


def _require_room(deck: Deck, entry: ContainerEntry, wanted: Spec) -> None:
    """A memory limit below what is in use would OOM-kill on cgroup v2 where v1 refuses: refuse on both."""
    limit = wanted.get("memory", {}).get("limit", 0)
    if limit <= 0:
        return
    used = deck.hierarchy.usage(entry.record.cgroup).memory_usage
    if used is not None and used > limit:
        raise FailedPrecondition(f"memory limit {limit} is below the {used} bytes that the container uses now")
