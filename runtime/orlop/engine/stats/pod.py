"""PodSandboxStats: the pod's own cgroup where it has one, else the sum of its containers; and its network."""

from collections.abc import Callable, Iterable, Sequence

from orlop.engine.stats import figures
from orlop.engine.stats.container import rate_of
from orlop.engine.stats.rates import CpuRates
from orlop.linux.cgroups.usage import CgroupUsage
from orlop.model.pod import PodRecord
from orlop.model.stats import (
    ContainerStats,
    CpuUsage,
    LinuxPodSandboxStats,
    MemoryUsage,
    NetworkUsage,
    PodSandboxAttributes,
    PodSandboxStats,
    ProcessUsage,
)


def pod_stats(
    record: PodRecord,
    usage: CgroupUsage | None,
    rates: CpuRates,
    *,
    containers: Sequence[ContainerStats],
    network: NetworkUsage | None,
    now_ns: int,
) -> PodSandboxStats:
    """Put together what has been read."""
    config = record.config
    attributes = PodSandboxAttributes(
        id=record.id, metadata=config.metadata, labels=config.labels, annotations=config.annotations
    )
    if usage is None:
        linux = LinuxPodSandboxStats(
            cpu=_summed_cpu(containers, now_ns),
            memory=_summed_memory(containers, now_ns),
            network=network,
            containers=tuple(containers),
        )
        return PodSandboxStats(attributes=attributes, linux=linux)
    linux = LinuxPodSandboxStats(
        cpu=figures.cpu(usage, rate_of(usage, record.id, record.created_at, rates)),
        memory=figures.memory(usage),
        network=network,
        process=_processes(usage),
        containers=tuple(containers),
        io=figures.io(usage),
    )
    return PodSandboxStats(attributes=attributes, linux=linux)


def _processes(usage: CgroupUsage) -> ProcessUsage | None:
    return None if usage.pids is None else ProcessUsage(timestamp=usage.timestamp_ns, process_count=usage.pids)


def _total(values: Iterable[int | None]) -> int | None:
    """The sum of what is known; None when nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _summed_cpu(containers: Sequence[ContainerStats], now_ns: int) -> CpuUsage | None:
    cpus = [stats.cpu for stats in containers if stats.cpu]
    if not cpus:
        return None
    return CpuUsage(
        timestamp=now_ns,
        usage_core_nano_seconds=_total(cpu.usage_core_nano_seconds for cpu in cpus),
        usage_nano_cores=_total(cpu.usage_nano_cores for cpu in cpus),
    )


def _summed_memory(containers: Sequence[ContainerStats], now_ns: int) -> MemoryUsage | None:
    memories = [stats.memory for stats in containers if stats.memory]
    if not memories:
        return None

    def total(field: Callable[[MemoryUsage], int | None]) -> int | None:
        return _total(field(memory) for memory in memories)

    return MemoryUsage(
        timestamp=now_ns,
        working_set_bytes=total(lambda memory: memory.working_set_bytes),
        usage_bytes=total(lambda memory: memory.usage_bytes),
        rss_bytes=total(lambda memory: memory.rss_bytes),
        page_faults=total(lambda memory: memory.page_faults),
        major_page_faults=total(lambda memory: memory.major_page_faults),
    )
