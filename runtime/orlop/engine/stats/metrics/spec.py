"""Metrics of what has been asked for, and of a container's times."""

from collections.abc import Callable

from orlop.engine.stats.metrics.family import Family, gauge, seconds
from orlop.engine.stats.metrics.reading import Reading
from orlop.model.resources import LinuxContainerResources


def _asked(name: str, help_text: str, read: Callable[[LinuxContainerResources], int | None]) -> Family:
    def find(reading: Reading) -> int | None:
        return None if reading.resources is None else read(reading.resources)

    return gauge(name, help_text, find)


def _reserved(resources: LinuxContainerResources) -> int:
    value = resources.unified.get("memory.min", "0")
    return int(value) if value.isdecimal() else 0


FAMILIES: tuple[Family, ...] = (
    _asked("container_spec_cpu_period", "CPU period in microseconds.", lambda asked: asked.cpu_period),
    _asked("container_spec_cpu_quota", "CPU quota in microseconds a period; left out: none.",
           lambda asked: asked.cpu_quota if asked.cpu_quota > 0 else None),
    _asked("container_spec_cpu_shares", "CPU shares.", lambda asked: asked.cpu_shares),
    _asked("container_spec_memory_limit_bytes", "Memory limit; 0: none.", lambda asked: asked.memory_limit_in_bytes),
    _asked("container_spec_memory_swap_limit_bytes", "Limit of memory and swap together; 0: none.",
           lambda asked: asked.memory_swap_limit_in_bytes),
    _asked("container_spec_memory_reservation_limit_bytes", "Memory that is kept from being reclaimed; 0: none.",
           _reserved),
    gauge("container_start_time_seconds", "Start, in seconds since the epoch.",
          lambda reading: seconds(reading.started_ns) or None),
    gauge("container_last_seen", "Time of this reading, in seconds since the epoch.",
          lambda reading: seconds(reading.now_ns)),
)  # fmt: skip
