"""A pod's network through CNI, and what is still owed when the plugins cannot take it down now."""

import logging

from orlop.engine.cni.attachment import Attachment
from orlop.engine.hostports.mapping import HostPort, host_ports
from orlop.engine.state.table import PodEntry
from orlop.model.errors import InvalidArgument, OrlopError
from orlop.model.pod import PodRecord
from orlop.services.deck import Deck
from orlop.services.naming import pod_title

log = logging.getLogger(__name__)


def attachment(deck: Deck, record: PodRecord) -> Attachment:
    """What the plugins are told of a pod."""
    config = record.config
    return Attachment(
        pod_id=record.id,
        name=config.metadata.name,
        namespace=config.metadata.namespace,
        uid=config.metadata.uid,
        netns=record.namespaces.net,
        port_mappings=config.port_mappings,
        annotations=config.annotations,
        dns=config.dns_config,
        cgroup_path=deck.cgroups.pod_path(record.id, record.cgroup_parent),
    )


async def attach(deck: Deck, record: PodRecord) -> tuple[str, ...]:
    """Run ADD; the answer is the pod's addresses, the primary one first."""
    wanted = attachment(deck, record)
    result = await deck.network.add(wanted)
    addresses = result.pod_ips(wanted.ifname)
    await deck.host_ports.open(record.id, host_ports(wanted.port_mappings, addresses))
    return addresses


async def detach(deck: Deck, record: PodRecord) -> bool:
    """Run DEL; True when it has worked. What fails stays on record (in the result cache) for the garbage service.

    So a broken plugin does not keep a pod in Terminating for ever, and its address is not forgotten either, over
    restarts and reboots.
    """
    try:
        await deck.host_ports.close(record.id)
    except (OrlopError, OSError) as error:  # they are forgotten all the same, and the rules are written again
        log.warning("%s: its host ports are not closed yet: %s", pod_title(record.config.metadata), error)
        deck.garbage_wanted.set()
    try:
        await deck.network.remove(attachment(deck, record))
        return True
    except (OrlopError, OSError) as error:
        log.warning("%s: its network is not taken down yet: %s", pod_title(record.config.metadata), error)
        deck.garbage_wanted.set()
        return False


async def recover_host_ports(deck: Deck) -> None:
    """At start: the host ports are those of the pods on record, whatever an earlier daemon has left."""
    known = attached(deck)
    pods = [entry for entry in deck.state.pods if entry.record.id in known and entry.status.ips]
    pods.sort(key=lambda entry: entry.record.created_at)
    try:
        await deck.host_ports.start([(entry.record.id, _recorded(entry)) for entry in pods])
    except (OrlopError, OSError) as error:
        log.error("%s", error)
        deck.garbage_wanted.set()


def _recorded(entry: PodEntry) -> tuple[HostPort, ...]:
    try:
        return host_ports(entry.record.config.port_mappings, entry.status.ips)
    except InvalidArgument as error:  # it was made while another served host ports, who may allow what we do not
        log.warning("%s: %s", pod_title(entry.record.config.metadata), error)
        return ()


def attached(deck: Deck) -> set[str]:
    """Pods that have, or are getting, a network: every other attachment on record is owed a DEL."""
    return {
        entry.record.id
        for entry in deck.state.pods
        if not entry.status.stopped_at and (entry.status.made or entry.record.id in deck.building)
    }
