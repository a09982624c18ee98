"""What is read for metrics of cgroup v1, on trees in a temporary directory and on this machine's own."""

from pathlib import Path

import pytest

from orlop.linux.cgroups import account_v1 as account_module
from orlop.linux.cgroups.account import DeviceIo, Hugepages
from orlop.linux.cgroups.v1 import LegacyHierarchy

FILES = {
    "memory": {
        "memory.stat": "cache 1\nmapped_file 1\npgfault 3\npgmajfault 1\n"
        "total_cache 4096\ntotal_rss 8192\ntotal_mapped_file 512\ntotal_pgfault 11\ntotal_pgmajfault 2\n",
        "memory.usage_in_bytes": "20000\n",
        "memory.max_usage_in_bytes": "30000\n",
        "memory.kmem.usage_in_bytes": "700\n",
        "memory.failcnt": "5\n",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    },
    "cpu": {"cpu.stat": "nr_periods 9\nnr_throttled 4\nthrottled_time 5000000000\n"},
    "cpuacct": {"cpuacct.usage": "77\n", "cpuacct.usage_user": "40\n", "cpuacct.usage_sys": "37\n"},
    "pids": {"pids.current": "3\n", "pids.max": "100\n"},
    "blkio": {
        "blkio.throttle.io_service_bytes_recursive": "8:0 Read 4096\n8:0 Write 512\n8:0 Sync 1\n8:0 Total 4608\n"
        "253:1 Read 1\nTotal 4609\n",
        "blkio.throttle.io_serviced_recursive": "8:0 Read 2\n8:0 Write 1\nTotal 3\n",
    },
    "hugetlb": {"hugetlb.2MB.usage_in_bytes": "2097152\n", "hugetlb.2MB.max_usage_in_bytes": "4194304\n"},
}


def make(root: Path, *controllers: str) -> LegacyHierarchy:
    """A hierarchy whose cgroup /pod has the files of these controllers."""
    for controller in controllers:
        directory = root / controller / "pod"
        directory.mkdir(parents=True)
        for name, text in FILES[controller].items():
            (directory / name).write_text(text)
    return LegacyHierarchy({controller: str(root / controller) for controller in controllers})


def test_everything_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_module, "hugepage_sizes", lambda: ("2MB", "1GB"))
    account = make(tmp_path, *FILES).account("/pod")
    assert (account.usage.cpu_ns, account.cpu_user_ns, account.cpu_system_ns) == (77, 40, 37)
    assert (account.periods, account.throttled_periods, account.throttled_ns) == (9, 4, 5_000_000_000)
    assert (account.page_cache, account.mapped_files, account.kernel_memory) == (4096, 512, 700)
    assert (account.usage.memory_usage, account.memory_peak, account.limit_hits) == (20000, 30000, 5)
    assert (account.own_page_faults, account.own_major_page_faults) == (3, 1)
    assert (account.usage.page_faults, account.usage.major_page_faults) == (11, 2)
    assert (account.usage.pids, account.tasks_limit, account.oom_kills) == (3, 100, 2)
    assert account.devices == (DeviceIo("8:0", 4096, 512, 2, 1), DeviceIo("253:1", 1))
    assert account.hugepages == (Hugepages("2MB", 2097152, 4194304),)


def test_controllers_that_are_not_mounted_leave_gaps(tmp_path: Path) -> None:
    account = make(tmp_path, "memory").account("/pod")
    assert account.usage.memory_usage == 20000
    assert (account.cpu_user_ns, account.periods, account.tasks_limit) == (None, None, None)
    assert (account.devices, account.hugepages) == ((), ())


def test_a_cgroup_that_has_gone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make(tmp_path, *FILES).account("/gone")
