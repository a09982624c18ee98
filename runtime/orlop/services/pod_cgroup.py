"""A pod's cgroups: its own, made before all else and removed after all else, and in it the leaf of its monitors."""

from orlop.aio.threads import offload
from orlop.engine.monitor.placement import monitor_cgroup
from orlop.model.pod import PodRecord
from orlop.services.deck import Deck


def place_monitor(deck: Deck, pod: PodRecord, pid: int) -> None:
    """Move a monitor to the pod's leaf. Nobody limits that, so a parent that is systemd's keeps its controllers."""
    leaf = _monitors(deck, pod)
    deck.hierarchy.create(leaf, controllers=False)
    deck.hierarchy.move(leaf, pid)


async def remove(deck: Deck, pod: PodRecord) -> None:
    """Remove what we made of them; containers and monitors must have ended. Idempotent."""
    await offload(deck.hierarchy.remove, _monitors(deck, pod))
    await deck.cgroups.remove(pod.id, pod.cgroup_parent)
    if own := deck.cgroups.stats_path(pod.id, pod.cgroup_parent):
        deck.removed_oom_kills.pop(own, None)


def _monitors(deck: Deck, pod: PodRecord) -> str:
    return monitor_cgroup(pod.id, deck.cgroups.pod_path(pod.id, pod.cgroup_parent), deck.settings.monitor_cgroup)
