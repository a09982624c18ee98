"""Metrics of memory, huge pages and the OOM killer."""

from orlop.engine.stats.metrics.family import Family, Sample, account_counter, account_gauge
from orlop.engine.stats.metrics.reading import Reading
from orlop.model.enums import MetricType


def _failures(reading: Reading) -> list[Sample]:
    account = reading.account
    if account is None:
        return []
    return [
        (account.own_page_faults, ("pgfault", "container")),
        (account.usage.page_faults, ("pgfault", "hierarchy")),
        (account.own_major_page_faults, ("pgmajfault", "container")),
        (account.usage.major_page_faults, ("pgmajfault", "hierarchy")),
    ]


def _hugepages(reading: Reading) -> list[Sample]:
    return [(pages.usage, (pages.size,)) for pages in reading.account.hugepages] if reading.account else []


def _hugepage_peaks(reading: Reading) -> list[Sample]:
    return [(pages.peak, (pages.size,)) for pages in reading.account.hugepages] if reading.account else []


FAMILIES: tuple[Family, ...] = (
    account_gauge("container_memory_cache", "Bytes of page cache.", lambda a: a.page_cache),
    account_gauge("container_memory_rss", "Bytes of anonymous memory.", lambda a: a.usage.rss),
    account_gauge("container_memory_mapped_file", "Bytes of mapped files.", lambda a: a.mapped_files),
    account_gauge("container_memory_kernel_usage", "Bytes of kernel memory.", lambda a: a.kernel_memory),
    account_gauge("container_memory_swap", "Bytes of swap.", lambda a: a.usage.swap_usage or 0),
    account_gauge("container_memory_usage_bytes", "Bytes of memory in use, with all caches.",
                  lambda a: a.usage.memory_usage),
    account_gauge("container_memory_working_set_bytes", "Bytes of memory in use, without inactive page cache.",
                  lambda a: a.usage.working_set),
    account_gauge("container_memory_max_usage_bytes", "The most bytes of memory that have been in use.",
                  lambda a: a.memory_peak),
    account_counter("container_memory_failcnt", "Times that the memory limit was in the way.", lambda a: a.limit_hits),
    Family("container_memory_failures_total", "Page faults, all and those that read from a disk.", MetricType.COUNTER,
           ("failure_type", "scope"), _failures),
    account_counter("container_oom_events_total", "Processes that the OOM killer has killed.", lambda a: a.oom_kills),
    Family("container_hugetlb_usage_bytes", "Bytes of huge pages in use.", MetricType.GAUGE, ("pagesize",), _hugepages),
    Family("container_hugetlb_max_usage_bytes", "The most bytes of huge pages that have been in use.",
           MetricType.GAUGE, ("pagesize",), _hugepage_peaks),
)  # fmt: skip
