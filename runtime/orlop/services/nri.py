"""What NRI plugins (engine.nri) are asked when a container is made, and what they may ask of the runtime.

A node without plugins spends nothing on it: the port's null answers. Plugins may refuse what begins, and never what
ends (nri_ends). No container's lock is held while a plugin is asked, for it may ask for updates meanwhile.
"""

import logging
from collections.abc import Callable, Sequence

import msgspec

from orlop.aio.threads import offload
from orlop.engine.nri.port import Eviction, Known, Update
from orlop.engine.oci.cdi import names
from orlop.engine.oci.cdi.edits import inject
from orlop.engine.oci.inputs import Spec
from orlop.engine.oci.spec import write_config
from orlop.engine.state.table import ContainerEntry, PodEntry
from orlop.model.errors import FailedPrecondition
from orlop.model.resources import LinuxContainerResources
from orlop.services.container_stop import stop_container
from orlop.services.deck import Deck
from orlop.services.nri_updates import told_limits, update_all

log = logging.getLogger(__name__)


async def adjust(deck: Deck, pod: PodEntry, entry: ContainerEntry) -> LinuxContainerResources:
    """Let plugins change the container whose config.json is written; the limits that it then has.

    Raises FailedPrecondition where a plugin refuses.
    """
    record = entry.record
    created = await deck.plugins.create(pod, entry)
    limits = record.config.linux.resources
    if (spec := created.spec) is not None:
        if created.cdi_devices:
            devices = names.wanted(list(created.cdi_devices), {})
            await offload(lambda: inject(spec, deck.cdi.find(devices)))
        _move(deck, entry, spec)
        limits = told_limits(limits, created.resources)
        await offload(write_config, record.bundle, spec)
    await settle(deck, created.updates, created.evictions)
    return limits


def _move(deck: Deck, entry: ContainerEntry, spec: Spec) -> None:
    """A plugin may have chosen another cgroup; the record must say where the container is."""
    cgroup = deck.cgroups.path_of(spec["linux"]["cgroupsPath"])
    if cgroup != entry.record.cgroup:
        deck.state.containers.amend(entry.record.id, msgspec.structs.replace(entry.record, cgroup=cgroup))


async def settle(deck: Deck, updates: Sequence[Update], evictions: Sequence[Eviction] = ()) -> None:
    """Carry out what plugins want of other containers. Raises FailedPrecondition where one must not fail and does."""
    failed = [update for update in await update_all(deck, updates) if not update.ignore_failure]
    if failed:
        raise FailedPrecondition(f"NRI plugin {failed[0].plugins}: container {failed[0].container_id} is not updated")
    evict(deck, evictions)


def evict(deck: Deck, evictions: Sequence[Eviction]) -> None:
    """Begin to stop containers; the kubelet sees their ends."""
    for eviction in evictions:
        log.warning("NRI plugin %s evicts container %s: %s", eviction.plugin, eviction.container_id, eviction.reason)
        stop = stop_container(deck, eviction.container_id, int(deck.settings.stop_timeout))
        deck.background.spawn(stop, f"eviction of {eviction.container_id}")


class Host:
    """The runtime as NRI sees it (engine.nri.port)."""

    def __init__(self, deck: Callable[[], Deck]) -> None:
        """deck: NRI is a part of it, so it comes later."""
        self._deck = deck

    def known(self) -> Known:
        """All that is made, at this instant."""
        state = self._deck().state
        pods = [pod for pod in state.pods if pod.status.made]
        return Known(pods=pods, containers=[c for c in state.containers if c.status.made and not c.record.infra])

    async def update(self, updates: Sequence[Update]) -> list[Update]:
        """Carry out updates; those that failed come back."""
        return await update_all(self._deck(), updates)

    async def evict(self, evictions: Sequence[Eviction]) -> None:
        """Begin to stop containers."""
        evict(self._deck(), evictions)
