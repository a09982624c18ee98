"""Usage figures of one cgroup, whatever the version. Rates and caching are not here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PressureLine:
    """One line of a pressure file (psi.rst): microseconds stalled in total, averages in percent."""

    total: int
    avg10: float
    avg60: float
    avg300: float


@dataclass(frozen=True, slots=True)
class Pressure:
    """A pressure file. `full` is None where the kernel has no such line."""

    some: PressureLine | None
    full: PressureLine | None


@dataclass(frozen=True, slots=True)
class CgroupUsage:
    """One reading. None: the kernel does not tell (controller absent, no limit set)."""

    timestamp_ns: int
    """time.time_ns() of the reading."""
    cpu_ns: int | None = None
    memory_usage: int | None = None
    memory_limit: int | None = None
    working_set: int | None = None
    """memory_usage without inactive page cache, never below 0."""
    rss: int | None = None
    page_faults: int | None = None
    major_page_faults: int | None = None
    swap_usage: int | None = None
    swap_limit: int | None = None
    """Swap alone, not memory and swap together."""
    pids: int | None = None
    cpu_pressure: Pressure | None = None
    memory_pressure: Pressure | None = None
    io_pressure: Pressure | None = None
