"""A CgroupAccount from cgroup v1's files (cgroup-v1/*.rst). The common part is read by v1.py and handed in."""

from collections.abc import Callable

from orlop.linux.cgroups.account import CgroupAccount, DeviceIo, Hugepages
from orlop.linux.cgroups.reading import Directory, field, hugepage_sizes
from orlop.linux.cgroups.usage import CgroupUsage

Reader = Callable[[str], bytes | None]
"""Name of a file to its content; None where it is not there."""

_FIELDS = {b"Read": "read_bytes", b"Write": "written_bytes"}
_COUNTS = {b"Read": "reads", b"Write": "writes"}


def account_v1(usage: CgroupUsage, oom_kills: int, directory_of: Callable[[str], str | None]) -> CgroupAccount:
    """`directory_of` gives the cgroup's directory in a controller, None where that is not mounted."""
    memory, cpuacct = _files(directory_of("memory")), _files(directory_of("cpuacct"))
    memory_stat, cpu_stat = memory("memory.stat"), _files(directory_of("cpu"))("cpu.stat")
    return CgroupAccount(
        usage=usage,
        cpu_user_ns=_number(cpuacct("cpuacct.usage_user")),
        cpu_system_ns=_number(cpuacct("cpuacct.usage_sys")),
        periods=field(cpu_stat, b"nr_periods"),
        throttled_periods=field(cpu_stat, b"nr_throttled"),
        throttled_ns=field(cpu_stat, b"throttled_time"),
        page_cache=field(memory_stat, b"total_cache"),
        mapped_files=field(memory_stat, b"total_mapped_file"),
        kernel_memory=_number(memory("memory.kmem.usage_in_bytes")),
        memory_peak=_number(memory("memory.max_usage_in_bytes")),
        limit_hits=_number(memory("memory.failcnt")),
        own_page_faults=field(memory_stat, b"pgfault"),
        own_major_page_faults=field(memory_stat, b"pgmajfault"),
        tasks_limit=_number(_files(directory_of("pids"))("pids.max")),
        oom_kills=oom_kills,
        devices=_devices(_files(directory_of("blkio"))),
        hugepages=_hugepages(_files(directory_of("hugetlb"))),
    )


def _files(directory: str | None) -> Reader:
    """Reads files of a directory; None for all of them where there is no directory."""

    def read(name: str) -> bytes | None:
        if directory is None:
            return None
        try:
            with Directory(directory) as cgroup:
                return cgroup.read(name)
        except FileNotFoundError:
            return None

    return read


def _number(data: bytes | None) -> int | None:
    return int(data) if data is not None and data.strip().isdigit() else None


def _devices(read: Reader) -> tuple[DeviceIo, ...]:
    """Lines "8:0 Read 4096" of two files: bytes and operations."""
    found: dict[str, dict[str, int]] = {}
    for name, fields in (
        ("blkio.throttle.io_service_bytes_recursive", _FIELDS),
        ("blkio.throttle.io_serviced_recursive", _COUNTS),
    ):
        for line in (read(name) or b"").splitlines():
            parts = line.split()
            if len(parts) == 3 and parts[1] in fields:
                found.setdefault(parts[0].decode(), {})[fields[parts[1]]] = int(parts[2])
    return tuple(DeviceIo(device, **values) for device, values in found.items())


def _hugepages(read: Reader) -> tuple[Hugepages, ...]:
    found = []
    for size in hugepage_sizes():
        used = _number(read(f"hugetlb.{size}.usage_in_bytes"))
        if used is not None:
            found.append(Hugepages(size, used, _number(read(f"hugetlb.{size}.max_usage_in_bytes"))))
    return tuple(found)
