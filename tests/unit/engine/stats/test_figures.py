"""The kernel's figures in the CRI's terms; what it does not tell stays unknown."""

from orlop.engine.stats import figures
from orlop.linux.cgroups.usage import CgroupUsage, Pressure, PressureLine
from orlop.model.stats import CpuUsage, IoUsage, MemoryUsage, PsiData, PsiStats, SwapUsage

LINE = PressureLine(total=7, avg10=1.0, avg60=2.0, avg300=3.0)
DATA = PsiData(total=7, avg10=1.0, avg60=2.0, avg300=3.0)


def test_everything_the_kernel_tells_arrives() -> None:
    usage = CgroupUsage(
        timestamp_ns=5, cpu_ns=100, memory_usage=50, memory_limit=80, working_set=30, rss=20, page_faults=4,
        major_page_faults=1, swap_usage=3, swap_limit=10, pids=2, cpu_pressure=Pressure(LINE, None),
        memory_pressure=Pressure(LINE, LINE), io_pressure=Pressure(None, LINE),
    )  # fmt: skip
    assert figures.cpu(usage, 9) == CpuUsage(
        timestamp=5, usage_core_nano_seconds=100, usage_nano_cores=9, psi=PsiStats(some=DATA)
    )
    assert figures.memory(usage) == MemoryUsage(
        timestamp=5, working_set_bytes=30, available_bytes=50, usage_bytes=50, rss_bytes=20, page_faults=4,
        major_page_faults=1, psi=PsiStats(full=DATA, some=DATA),
    )  # fmt: skip
    assert figures.swap(usage) == SwapUsage(timestamp=5, swap_available_bytes=7, swap_usage_bytes=3)
    assert figures.io(usage) == IoUsage(timestamp=5, psi=PsiStats(full=DATA))


def test_what_the_kernel_does_not_tell_is_not_invented() -> None:
    usage = CgroupUsage(timestamp_ns=5)
    assert figures.cpu(usage, None) is None
    assert figures.memory(usage) is None
    assert figures.swap(usage) is None
    assert figures.io(usage) is None


def test_without_a_limit_nothing_is_said_of_what_is_left() -> None:
    memory = figures.memory(CgroupUsage(timestamp_ns=5, memory_usage=50, working_set=30))
    assert memory is not None
    assert memory.available_bytes is None


def test_use_beyond_the_limit_leaves_nothing() -> None:
    memory = figures.memory(CgroupUsage(timestamp_ns=5, memory_usage=50, working_set=50, memory_limit=40))
    assert memory is not None
    assert memory.available_bytes == 0
