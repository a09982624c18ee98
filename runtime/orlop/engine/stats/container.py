"""ContainerStats from one cgroup reading. The writable layer's size is storage's knowledge and is handed in."""

from orlop.engine.stats import figures
from orlop.engine.stats.filesystem import filesystem_usage
from orlop.engine.stats.rates import CpuRates
from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.linux.cgroups.reading import Reader
from orlop.linux.cgroups.usage import CgroupUsage
from orlop.model.container import ContainerRecord
from orlop.model.stats import ContainerAttributes, ContainerStats


def container_stats(
    record: ContainerRecord,
    usage: CgroupUsage | None,
    rates: CpuRates,
    *,
    upper_usage: tuple[int, int] | None,
    fs_mountpoint: str,
    now_ns: int,
) -> ContainerStats:
    """Without a reading (the container has ended) only the writable layer is told."""
    config = record.config
    attributes = ContainerAttributes(
        id=record.id, metadata=config.metadata, labels=config.labels, annotations=config.annotations
    )
    layer = filesystem_usage(fs_mountpoint, *upper_usage, now_ns) if upper_usage else None
    if usage is None:
        return ContainerStats(attributes=attributes, writable_layer=layer)
    return ContainerStats(
        attributes=attributes,
        cpu=figures.cpu(usage, rate_of(usage, record.id, record.created_at, rates)),
        memory=figures.memory(usage),
        writable_layer=layer,
        swap=figures.swap(usage),
        io=figures.io(usage),
    )


def rate_of(usage: CgroupUsage, object_id: str, born_ns: int, rates: CpuRates) -> int | None:
    """The CPU rate, where CPU time is known."""
    return None if usage.cpu_ns is None else rates.rate(object_id, usage.timestamp_ns, usage.cpu_ns, born_ns)


def reading(hierarchy: Hierarchy, cgroup: str, read: Reader) -> CgroupUsage | None:
    """One reading; None when there is no cgroup (any more)."""
    if not cgroup:
        return None
    try:
        return hierarchy.usage(cgroup, read)
    except FileNotFoundError:
        return None
