"""What shims tell of a cgroup, in either version; and what is none of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.shim.usage import V1, V2, usage_of
from orlop.engine.shim.v1 import metrics_pb2 as pb
from orlop.linux.cgroups.usage import CgroupUsage
from orlop.model.errors import Unavailable

UNLIMITED = (1 << 63) - 4096


def test_version_1() -> None:
    memory = pb.MemoryV1(
        total_rss=5, total_pg_fault=6, total_pg_maj_fault=7, total_inactive_file=8,
        usage=pb.MemoryEntry(limit=1000, usage=100), swap=pb.MemoryEntry(limit=1500, usage=130),
    )  # fmt: skip
    told = pb.MetricsV1(pids=pb.PidsCount(current=3), cpu=pb.CpuV1(usage=pb.CpuTime(total=9)), memory=memory)
    assert usage_of(V1, told.SerializeToString(), 1) == CgroupUsage(
        timestamp_ns=1, cpu_ns=9, memory_usage=100, memory_limit=1000, working_set=92, rss=5, page_faults=6,
        major_page_faults=7, swap_usage=30, swap_limit=500, pids=3,
    )  # fmt: skip


def test_version_2() -> None:
    memory = pb.MemoryV2(
        anon=5, inactive_file=200, pgfault=6, pgmajfault=7, usage=100, usage_limit=UNLIMITED, swap_usage=30
    )
    told = pb.MetricsV2(pids=pb.PidsCount(current=3), cpu=pb.CpuV2(usage_usec=9), memory=memory)
    assert usage_of(f"types.containerd.io/{V2}", told.SerializeToString(), 1) == CgroupUsage(
        timestamp_ns=1, cpu_ns=9000, memory_usage=100, memory_limit=None, working_set=0, rss=5, page_faults=6,
        major_page_faults=7, swap_usage=30, swap_limit=None, pids=3,
    )  # fmt: skip


def test_without_limits_and_without_memory() -> None:
    entry = pb.MemoryEntry(limit=UNLIMITED, usage=5)
    told = pb.MetricsV1(memory=pb.MemoryV1(usage=entry))
    usage = usage_of(V1, told.SerializeToString(), 1)
    assert (usage.memory_limit, usage.swap_usage, usage.swap_limit) == (None, None, None)
    for name in (V1, V2):
        assert usage_of(name, b"", 1).memory_usage is None


def test_what_nobody_knows() -> None:
    with pytest.raises(Unavailable, match="which is not known"):
        usage_of("io.example.Metrics", b"", 1)


@given(st.sampled_from([V1, V2]), st.binary(max_size=200))
def test_nothing_else_breaks_it(name: str, value: bytes) -> None:
    try:
        usage_of(name, value, 1)
    except Unavailable:
        pass
