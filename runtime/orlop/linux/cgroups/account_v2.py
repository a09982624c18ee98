"""A CgroupAccount from cgroup v2's files (cgroup-v2.rst). The common part is read by v2.py and handed in."""

from orlop.linux.cgroups.account import CgroupAccount, DeviceIo, Hugepages
from orlop.linux.cgroups.reading import Directory, field, hugepage_sizes
from orlop.linux.cgroups.usage import CgroupUsage

_FIELDS = {b"rbytes": "read_bytes", b"wbytes": "written_bytes", b"rios": "reads", b"wios": "writes"}


def account_v2(usage: CgroupUsage, cgroup: Directory) -> CgroupAccount:
    """From an open cgroup directory."""
    memory, cpu, events = cgroup.read("memory.stat"), cgroup.read("cpu.stat"), cgroup.read("memory.events")
    return CgroupAccount(
        usage=usage,
        cpu_user_ns=_nanoseconds(field(cpu, b"user_usec")),
        cpu_system_ns=_nanoseconds(field(cpu, b"system_usec")),
        periods=field(cpu, b"nr_periods"),
        throttled_periods=field(cpu, b"nr_throttled"),
        throttled_ns=_nanoseconds(field(cpu, b"throttled_usec")),
        page_cache=field(memory, b"file"),
        mapped_files=field(memory, b"file_mapped"),
        kernel_memory=field(memory, b"kernel"),  # since Linux 5.18
        memory_peak=cgroup.number("memory.peak"),  # since Linux 5.19
        limit_hits=field(events, b"max"),
        own_page_faults=field(memory, b"pgfault"),
        own_major_page_faults=field(memory, b"pgmajfault"),
        tasks_limit=cgroup.number("pids.max"),
        oom_kills=field(events, b"oom_kill") or 0,
        devices=_devices(cgroup.read("io.stat") or b""),
        hugepages=_hugepages(cgroup),
    )


def _nanoseconds(microseconds: int | None) -> int | None:
    return None if microseconds is None else microseconds * 1000


def _devices(data: bytes) -> tuple[DeviceIo, ...]:
    """Lines "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0"; a device may stand there without any figure."""
    found = []
    for line in data.splitlines():
        device, *pairs = line.split()
        values = dict(pair.split(b"=", 1) for pair in pairs if b"=" in pair)
        known = {name: int(values[key]) for key, name in _FIELDS.items() if key in values}
        if known:
            found.append(DeviceIo(device.decode(), **known))
    return tuple(found)


def _hugepages(cgroup: Directory) -> tuple[Hugepages, ...]:
    found = []
    for size in hugepage_sizes():
        used = cgroup.number(f"hugetlb.{size}.current")
        if used is not None:
            found.append(Hugepages(size, used, None))
    return tuple(found)
