"""What is read for metrics of cgroup v2, on trees in a temporary directory."""

from pathlib import Path

import pytest

from orlop.linux.cgroups import account_v2 as account_module
from orlop.linux.cgroups.account import DeviceIo, Hugepages
from orlop.linux.cgroups.v2 import UnifiedHierarchy

FILES = {
    "cpu.stat": "usage_usec 77\nuser_usec 40\nsystem_usec 37\nnr_periods 9\nnr_throttled 4\nthrottled_usec 5000\n",
    "memory.stat": "anon 8192\nfile 4096\nkernel 700\nfile_mapped 512\npgfault 11\npgmajfault 2\n",
    "memory.current": "20000\n",
    "memory.peak": "30000\n",
    "memory.events": "low 0\nhigh 0\nmax 5\noom 1\noom_kill 2\n",
    "pids.current": "3\n",
    "pids.max": "max\n",
    "io.stat": "8:0 rbytes=4096 wbytes=512 rios=2 wios=1 dbytes=0 dios=0\n253:1 \n",
    "hugetlb.2MB.current": "2097152\n",
}


def make(root: Path, files: dict[str, str]) -> UnifiedHierarchy:
    directory = root / "pod"
    directory.mkdir()
    for name, text in files.items():
        (directory / name).write_text(text)
    return UnifiedHierarchy(str(root))


def test_everything_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_module, "hugepage_sizes", lambda: ("2MB",))
    account = make(tmp_path, FILES).account("/pod")
    assert (account.usage.cpu_ns, account.cpu_user_ns, account.cpu_system_ns) == (77_000, 40_000, 37_000)
    assert (account.periods, account.throttled_periods, account.throttled_ns) == (9, 4, 5_000_000)
    assert (account.page_cache, account.mapped_files, account.kernel_memory) == (4096, 512, 700)
    assert (account.usage.memory_usage, account.memory_peak, account.limit_hits) == (20000, 30000, 5)
    assert (account.own_page_faults, account.own_major_page_faults) == (11, 2)
    assert (account.usage.pids, account.tasks_limit, account.oom_kills) == (3, None, 2)
    assert account.devices == (DeviceIo("8:0", 4096, 512, 2, 1),)
    assert account.hugepages == (Hugepages("2MB", 2097152, None),)


def test_controllers_that_are_not_enabled_leave_gaps(tmp_path: Path) -> None:
    account = make(tmp_path, {"cpu.stat": "usage_usec 1\nuser_usec 1\nsystem_usec 0\n"}).account("/pod")
    assert (account.cpu_user_ns, account.cpu_system_ns, account.periods) == (1000, 0, None)
    assert (account.page_cache, account.memory_peak, account.limit_hits, account.oom_kills) == (None, None, None, 0)


def test_a_cgroup_that_has_gone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        UnifiedHierarchy(str(tmp_path)).account("/gone")
