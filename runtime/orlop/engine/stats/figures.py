"""A cgroup's reading in the CRI's terms. Pure."""

from orlop.linux.cgroups.usage import CgroupUsage, Pressure, PressureLine
from orlop.model.stats import CpuUsage, IoUsage, MemoryUsage, PsiData, PsiStats, SwapUsage


def cpu(usage: CgroupUsage, rate: int | None) -> CpuUsage | None:
    """CPU time; None where the kernel does not count it."""
    if usage.cpu_ns is None:
        return None
    return CpuUsage(
        timestamp=usage.timestamp_ns,
        usage_core_nano_seconds=usage.cpu_ns,
        usage_nano_cores=rate,
        psi=psi(usage.cpu_pressure),
    )


def memory(usage: CgroupUsage) -> MemoryUsage | None:
    """Memory; available_bytes only where there is a limit."""
    if usage.memory_usage is None:
        return None
    return MemoryUsage(
        timestamp=usage.timestamp_ns,
        working_set_bytes=usage.working_set,
        available_bytes=_rest(usage.memory_limit, usage.working_set),
        usage_bytes=usage.memory_usage,
        rss_bytes=usage.rss,
        page_faults=usage.page_faults,
        major_page_faults=usage.major_page_faults,
        psi=psi(usage.memory_pressure),
    )


def swap(usage: CgroupUsage) -> SwapUsage | None:
    """Swap; None where the kernel does not count it."""
    if usage.swap_usage is None:
        return None
    return SwapUsage(
        timestamp=usage.timestamp_ns,
        swap_available_bytes=_rest(usage.swap_limit, usage.swap_usage),
        swap_usage_bytes=usage.swap_usage,
    )


def io(usage: CgroupUsage) -> IoUsage | None:
    """I/O pressure; None where the kernel has none."""
    pressure = psi(usage.io_pressure)
    return IoUsage(timestamp=usage.timestamp_ns, psi=pressure) if pressure else None


def psi(pressure: Pressure | None) -> PsiStats | None:
    """A pressure file."""
    if pressure is None:
        return None
    return PsiStats(full=_line(pressure.full), some=_line(pressure.some))


def _line(line: PressureLine | None) -> PsiData | None:
    if line is None:
        return None
    return PsiData(total=line.total, avg10=line.avg10, avg60=line.avg60, avg300=line.avg300)


def _rest(limit: int | None, used: int | None) -> int | None:
    return None if limit is None or used is None else max(0, limit - used)
