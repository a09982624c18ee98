"""PodSandboxStats and ListPodSandboxStats: the pod's cgroup, its network interfaces, and its containers' figures."""

import time

from orlop.engine.state.table import PodEntry
from orlop.model.enums import ContainerState, PodSandboxState
from orlop.model.stats import PodSandboxStats, PodSandboxStatsFilter
from orlop.services import container_stats
from orlop.services.deck import Deck
from orlop.services.measuring import all_that_can
from orlop.services.selecting import labels_match


async def pod_sandbox_stats(deck: Deck, pod_id: str) -> PodSandboxStats:
    """Figures of one pod."""
    return await _measure(deck, deck.state.pods.find(pod_id))


async def list_pod_sandbox_stats(deck: Deck, wanted: PodSandboxStatsFilter | None) -> list[PodSandboxStats]:
    """Figures of every ready pod that all given conditions fit."""
    pods = [entry for entry in deck.state.pods if _fits(entry, wanted)]
    return await all_that_can(_measure(deck, entry) for entry in pods)


async def _measure(deck: Deck, pod: PodEntry) -> PodSandboxStats:
    running = [
        entry
        for entry in deck.state.containers_of(pod.record.id)
        if entry.status.state is ContainerState.CONTAINER_RUNNING
    ]
    shown = [entry for entry in running if not entry.record.infra]
    containers = await all_that_can(container_stats.measure(deck, entry) for entry in shown)
    return deck.stats.pod(
        pod.record,
        time.time_ns(),
        cgroup=deck.cgroups.stats_path(pod.record.id, pod.record.cgroup_parent),
        containers=containers,
        pid=running[0].status.pid if running else 0,
    )


def _fits(entry: PodEntry, wanted: PodSandboxStatsFilter | None) -> bool:
    if not entry.status.made or entry.status.state is not PodSandboxState.SANDBOX_READY:
        return False
    if wanted is None:
        return True
    return entry.record.id.startswith(wanted.id) and labels_match(wanted.label_selector, entry.record.config.labels)
