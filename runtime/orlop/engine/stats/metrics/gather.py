"""Takes the readings that metrics are made from: cgroup files, /proc, counters of interfaces. All of it blocks."""

import time

from orlop.engine.stats.interfaces import interfaces
from orlop.engine.stats.metrics.catalogue import metrics_of
from orlop.engine.stats.metrics.reading import Disk, Reading
from orlop.linux.cgroups.account import CgroupAccount
from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.linux.fsinfo import filesystem_usage
from orlop.linux.mount_table import mount_of
from orlop.linux.process_figures import open_files_limit, process_figures
from orlop.model.container import ContainerRecord, ContainerStatus
from orlop.model.metrics import ContainerMetrics, Metric
from orlop.model.pod import PodRecord, PodSandboxMetadata


def disk_of(path: str) -> Disk:
    """The filesystem that holds a path."""
    return Disk(device=mount_of(path).source, usage=filesystem_usage(path))


def container_metrics(
    hierarchy: Hierarchy,
    record: ContainerRecord,
    status: ContainerStatus,
    pod: PodSandboxMetadata,
    *,
    layer_bytes: int,
    disk: Disk,
) -> ContainerMetrics:
    """Of a running container."""
    reading = Reading(
        now_ns=time.time_ns(),
        account=_account(hierarchy, record.cgroup),
        processes=process_figures(hierarchy.pids(record.cgroup)),
        open_files_limit=open_files_limit(status.pid),
        layer_bytes=layer_bytes,
        disk=disk,
        resources=status.resources,
        started_ns=status.started_at,
    )
    name = record.config.metadata.name
    image = record.config.image.user_specified_image or record.image_ref
    base = (name, record.cgroup, image, record.id, pod.namespace, pod.name)
    return ContainerMetrics(container_id=record.id, metrics=metrics_of(reading, base))


def pod_metrics(hierarchy: Hierarchy, record: PodRecord, *, cgroup: str, pid: int) -> tuple[Metric, ...]:
    """Of the pod itself: its cgroup where it has one, and its network. They are told apart by an empty container."""
    netns = record.namespaces.net
    reading = Reading(
        now_ns=time.time_ns(),
        account=_account(hierarchy, cgroup) if cgroup else None,
        started_ns=record.created_at,
        interfaces=tuple(interfaces(netns, pid) or ()) if netns else (),
    )
    pod = record.config.metadata
    return metrics_of(reading, ("", cgroup, "", record.id, pod.namespace, pod.name))


def _account(hierarchy: Hierarchy, cgroup: str) -> CgroupAccount | None:
    try:
        return hierarchy.account(cgroup)
    except FileNotFoundError:  # it has just ended
        return None
