"""Metrics of CPU time, throttling and pressure."""

from orlop.engine.stats.metrics.family import Family, ReadAccount, Sample, account_counter, seconds
from orlop.engine.stats.metrics.reading import Reading
from orlop.linux.cgroups.account import CgroupAccount
from orlop.linux.cgroups.usage import Pressure
from orlop.model.enums import MetricType


def _total(reading: Reading) -> list[Sample]:
    # The kubelet's own metric has the one value "total" too: cgroup v2 does not count by CPU.
    return [(seconds(reading.account.usage.cpu_ns), ("total",))] if reading.account else []


def _stalled(resource: str, find: ReadAccount) -> Family:
    return account_counter(
        f"container_pressure_{resource}_stalled_seconds_total",
        f"Seconds in which no task could go on for want of {resource}.",
        find,
    )


def _waiting(resource: str, find: ReadAccount) -> Family:
    return account_counter(
        f"container_pressure_{resource}_waiting_seconds_total",
        f"Seconds in which some task waited for want of {resource}.",
        find,
    )


def _some(pressure: Pressure | None) -> int | None:
    return pressure.some.total // 1_000_000 if pressure and pressure.some else None


def _full(pressure: Pressure | None) -> int | None:
    return pressure.full.total // 1_000_000 if pressure and pressure.full else None


def _cpu(account: CgroupAccount) -> Pressure | None:
    return account.usage.cpu_pressure


def _memory(account: CgroupAccount) -> Pressure | None:
    return account.usage.memory_pressure


def _io(account: CgroupAccount) -> Pressure | None:
    return account.usage.io_pressure


FAMILIES: tuple[Family, ...] = (
    account_counter("container_cpu_user_seconds_total", "CPU seconds in user mode.", lambda a: seconds(a.cpu_user_ns)),
    account_counter(
        "container_cpu_system_seconds_total", "CPU seconds in the kernel.", lambda a: seconds(a.cpu_system_ns)
    ),
    Family("container_cpu_usage_seconds_total", "CPU seconds in all.", MetricType.COUNTER, ("cpu",), _total),
    account_counter("container_cpu_cfs_periods_total", "Periods of the CPU quota.", lambda a: a.periods),
    account_counter(
        "container_cpu_cfs_throttled_periods_total",
        "Periods in which the CPU quota was used up.",
        lambda a: a.throttled_periods,
    ),
    account_counter(
        "container_cpu_cfs_throttled_seconds_total",
        "Seconds for which tasks were held back by the CPU quota.",
        lambda a: seconds(a.throttled_ns),
    ),
    _stalled("cpu", lambda a: _full(_cpu(a))),
    _waiting("cpu", lambda a: _some(_cpu(a))),
    _stalled("memory", lambda a: _full(_memory(a))),
    _waiting("memory", lambda a: _some(_memory(a))),
    _stalled("io", lambda a: _full(_io(a))),
    _waiting("io", lambda a: _some(_io(a))),
)
