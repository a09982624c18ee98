"""Metrics of processes, threads and open files."""

from orlop.engine.stats.metrics.family import Family, Sample, gauge
from orlop.engine.stats.metrics.reading import Reading
from orlop.model.enums import MetricType


def _threads(reading: Reading) -> int | None:
    # The cgroup's count is of tasks; without a pids controller they have been counted one by one.
    if reading.account and reading.account.usage.pids is not None:
        return reading.account.usage.pids
    return reading.processes.threads if reading.processes else None


def _threads_max(reading: Reading) -> int | None:
    return (reading.account.tasks_limit or 0) if reading.account else None


def _open_files(reading: Reading) -> list[Sample]:
    return [(reading.open_files_limit, ("max_open_files",))]


FAMILIES: tuple[Family, ...] = (
    gauge("container_processes", "Processes.", lambda r: r.processes.processes if r.processes else None),
    gauge("container_threads", "Threads.", _threads),
    gauge("container_threads_max", "Threads that there may be; 0: any number.", _threads_max),
    gauge("container_file_descriptors", "Open files.", lambda r: r.processes.descriptors if r.processes else None),
    gauge("container_sockets", "Open sockets.", lambda r: r.processes.sockets if r.processes else None),
    Family("container_ulimits_soft", "Soft limits of the first process.", MetricType.GAUGE, ("ulimit",), _open_files),
)
