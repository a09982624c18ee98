"""A container's figures as its shim tells them: of a guest whose cgroups the node does not see (Kata)."""

from google.protobuf.message import DecodeError

from orlop.engine.shim.v1 import metrics_pb2 as pb
from orlop.linux.cgroups.usage import CgroupUsage
from orlop.model.errors import Unavailable

V1, V2 = "io.containerd.cgroups.v1.Metrics", "io.containerd.cgroups.v2.Metrics"
NO_LIMIT = 1 << 60
"""Both versions tell a number that no machine has, where there is no limit."""


def usage_of(type_url: str, value: bytes, now_ns: int) -> CgroupUsage:
    """The answer of the task service's Stats as one reading. Raises Unavailable for what is no metrics of a cgroup."""
    try:
        match type_url.rpartition("/")[2]:
            case name if name == V1:
                return _v1(pb.MetricsV1.FromString(value), now_ns)
            case name if name == V2:
                return _v2(pb.MetricsV2.FromString(value), now_ns)
            case _:
                raise Unavailable(f"the shim tells its figures as {type_url[:200]!r}, which is not known")
    except DecodeError as error:
        raise Unavailable(f"the shim's figures cannot be read: {error}") from error


def _v1(told: pb.MetricsV1, now_ns: int) -> CgroupUsage:
    memory = told.memory
    if not told.HasField("memory"):
        return CgroupUsage(timestamp_ns=now_ns, cpu_ns=told.cpu.usage.total, pids=told.pids.current)
    used, both = memory.usage.usage, memory.swap
    has_swap = memory.HasField("swap")
    limited = has_swap and _limit(both.limit) is not None and _limit(memory.usage.limit) is not None
    return CgroupUsage(
        timestamp_ns=now_ns,
        cpu_ns=told.cpu.usage.total,
        memory_usage=used,
        memory_limit=_limit(memory.usage.limit),
        working_set=max(0, used - memory.total_inactive_file),
        rss=memory.total_rss,
        page_faults=memory.total_pg_fault,
        major_page_faults=memory.total_pg_maj_fault,
        swap_usage=max(0, both.usage - used) if has_swap else None,
        swap_limit=max(0, both.limit - memory.usage.limit) if limited else None,
        pids=told.pids.current,
    )


def _v2(told: pb.MetricsV2, now_ns: int) -> CgroupUsage:
    memory = told.memory
    if not told.HasField("memory"):
        return CgroupUsage(timestamp_ns=now_ns, cpu_ns=told.cpu.usage_usec * 1000, pids=told.pids.current)
    return CgroupUsage(
        timestamp_ns=now_ns,
        cpu_ns=told.cpu.usage_usec * 1000,
        memory_usage=memory.usage,
        memory_limit=_limit(memory.usage_limit),
        working_set=max(0, memory.usage - memory.inactive_file),
        rss=memory.anon,
        page_faults=memory.pgfault,
        major_page_faults=memory.pgmajfault,
        swap_usage=memory.swap_usage,
        swap_limit=_limit(memory.swap_limit),
        pids=told.pids.current,
    )


def _limit(value: int) -> int | None:
    return value if 0 < value < NO_LIMIT else None
