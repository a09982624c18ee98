"""Everything that a cgroup counts, for metrics: ten files more than the figures of usage.py. Reading is elsewhere."""

import msgspec

from orlop.linux.cgroups.usage import CgroupUsage


class DeviceIo(msgspec.Struct, frozen=True):
    """What has been read from and written to one block device."""

    device: str
    """major:minor"""
    read_bytes: int = 0
    written_bytes: int = 0
    reads: int = 0
    writes: int = 0


class Hugepages(msgspec.Struct, frozen=True):
    """Use of huge pages of one size, in bytes."""

    size: str
    """As the kernel names it: "2MB", "1GB"."""
    usage: int
    peak: int | None
    """None: cgroup v2 does not keep it."""


class CgroupAccount(msgspec.Struct, frozen=True):
    """One reading, with children. None: the kernel does not tell."""

    usage: CgroupUsage
    cpu_user_ns: int | None = None
    cpu_system_ns: int | None = None
    periods: int | None = None
    """Of the CPU quota; counted only while there is one."""
    throttled_periods: int | None = None
    throttled_ns: int | None = None
    page_cache: int | None = None
    mapped_files: int | None = None
    kernel_memory: int | None = None
    memory_peak: int | None = None
    limit_hits: int | None = None
    """How often the memory limit was reached."""
    own_page_faults: int | None = None
    """Without those of child cgroups; cgroup v2 does not tell them apart."""
    own_major_page_faults: int | None = None
    tasks_limit: int | None = None
    """None: unlimited."""
    oom_kills: int = 0
    devices: tuple[DeviceIo, ...] = ()
    hugepages: tuple[Hugepages, ...] = ()
