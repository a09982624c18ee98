"""ListMetricDescriptors and ListPodSandboxMetrics: what the kubelet's own container_* metrics have told so far."""

from orlop.aio.threads import offload
from orlop.engine.state.table import ContainerEntry, PodEntry
from orlop.engine.stats.metrics.catalogue import descriptors
from orlop.engine.stats.metrics.gather import container_metrics, disk_of, pod_metrics
from orlop.engine.stats.metrics.reading import Disk
from orlop.model.enums import ContainerState, PodSandboxState
from orlop.model.metrics import ContainerMetrics, MetricDescriptor, PodSandboxMetrics
from orlop.services.deck import Deck
from orlop.services.measuring import all_that_can


def list_metric_descriptors() -> tuple[MetricDescriptor, ...]:
    """Every metric that there may be."""
    return descriptors()


async def list_pod_sandbox_metrics(deck: Deck) -> list[PodSandboxMetrics]:
    """Of every ready pod and its running containers. Metrics that this kernel does not have are left out."""
    ready = [pod for pod in deck.state.pods if pod.status.made and pod.status.state is PodSandboxState.SANDBOX_READY]
    disk = await offload(disk_of, deck.settings.root_dir)
    return await all_that_can(_of_pod(deck, pod, disk) for pod in ready)


async def _of_pod(deck: Deck, pod: PodEntry, disk: Disk) -> PodSandboxMetrics:
    record = pod.record
    running = [
        entry for entry in deck.state.containers_of(record.id) if entry.status.state is ContainerState.CONTAINER_RUNNING
    ]
    shown = [entry for entry in running if not entry.record.infra]
    containers = await all_that_can(_of_container(deck, pod, entry, disk) for entry in shown)
    cgroup = deck.cgroups.stats_path(record.id, record.cgroup_parent)
    pid = running[0].status.pid if running else 0
    own = await offload(pod_metrics, deck.hierarchy, record, cgroup=cgroup, pid=pid)
    return PodSandboxMetrics(pod_sandbox_id=record.id, metrics=own, container_metrics=tuple(containers))


async def _of_container(deck: Deck, pod: PodEntry, entry: ContainerEntry, disk: Disk) -> ContainerMetrics:
    layer_bytes, _ = await deck.roots.usage(entry.record.id)
    return await offload(
        container_metrics,
        deck.hierarchy,
        entry.record,
        entry.status,
        pod.record.config.metadata,
        layer_bytes=layer_bytes,
        disk=disk,
    )
