"""A pod's network through CNI, and what is still owed when the plugins cannot take it down now."""

import logging

from orlop.engine.cni.attachment import Attachment
from orlop.model.errors import OrlopError
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
    return result.pod_ips(wanted.ifname)


async def detach(deck: Deck, record: PodRecord) -> bool:
    """Run DEL; True when it has worked. What fails stays on record (in the result cache) for the garbage service.

    So a broken plugin does not keep a pod in Terminating for ever, and its address is not forgotten either, over
    restarts and reboots.
    """
    try:
        await deck.network.remove(attachment(deck, record))
        return True
    except (OrlopError, OSError) as error:
        log.warning("%s: its network is not taken down yet: %s", pod_title(record.config.metadata), error)
        deck.garbage_wanted.set()
        return False


def attached(deck: Deck) -> set[str]:
    """Pods that have, or are getting, a network: every other attachment on record is owed a DEL."""
    return {
        entry.record.id
        for entry in deck.state.pods
        if not entry.status.stopped_at and (entry.status.made or entry.record.id in deck.building)
    }
