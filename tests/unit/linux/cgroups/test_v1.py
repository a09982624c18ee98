"""The v1 hierarchies on trees in a temporary directory: comounts, cpusets, the order of writes, missing controllers."""

import errno
import os
from pathlib import Path

import pytest

from orlop.linux.cgroups.v1 import LegacyHierarchy
from orlop.model.resources import HugepageLimit, LinuxContainerResources


class FakeTrees:
    """One directory per mount; controllers named with a comma share it."""

    def __init__(self, root: Path, *mounts: str) -> None:
        self.root = root
        found = {}
        for mount in mounts:
            (root / mount).mkdir()
            found.update({controller: str(root / mount) for controller in mount.split(",")})
        self.hierarchy = LegacyHierarchy(found)

    def add(self, path: str, **files: str) -> None:
        (self.root / path).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (self.root / path / name).write_text(text)

    def text(self, path: str) -> str:
        return (self.root / path).read_text()


@pytest.fixture
def fake(tmp_path: Path) -> FakeTrees:
    return FakeTrees(tmp_path, "cpu,cpuacct", "memory", "pids", "name=systemd")


def test_create_in_every_mount_once(fake: FakeTrees) -> None:
    fake.hierarchy.create("/kubepods/pod1")
    for mount in ("cpu,cpuacct", "memory", "pids", "name=systemd"):
        assert (fake.root / mount / "kubepods" / "pod1").is_dir()
    assert fake.hierarchy.controllers == {"cpu", "cpuacct", "memory", "pids"}
    os.rmdir(fake.root / "memory" / "kubepods" / "pod1")
    assert fake.hierarchy.exists("/kubepods/pod1")
    fake.hierarchy.remove("/kubepods")
    assert not fake.hierarchy.exists("/kubepods")


def test_cpusets_inherit_level_by_level(tmp_path: Path) -> None:
    """The kernel makes the files with the directory; here the directories are made before."""
    fake = FakeTrees(tmp_path, "cpuset")
    fake.add("cpuset", **{"cpuset.cpus": "0-3\n", "cpuset.mems": "0\n"})
    fake.add("cpuset/a", **{"cpuset.cpus": "0-1\n", "cpuset.mems": "\n"})
    fake.add("cpuset/a/b", **{"cpuset.cpus": "\n", "cpuset.mems": "\n"})
    fake.hierarchy.create("/a/b")
    assert fake.text("cpuset/a/cpuset.cpus") == "0-1\n"
    assert fake.text("cpuset/a/b/cpuset.cpus").strip() == "0-1"
    assert fake.text("cpuset/a/b/cpuset.mems").strip() == "0"


def test_usage_reads_all_controllers(fake: FakeTrees) -> None:
    stat = (
        "cache 9\nrss 1\ntotal_rss 4096\ntotal_inactive_file 3000\ntotal_pgfault 11\ntotal_pgmajfault 2\ntotal_swap 6\n"
    )
    fake.add(
        "memory/pod",
        **{
            "memory.stat": stat,
            "memory.usage_in_bytes": "10000\n",
            "memory.limit_in_bytes": "20000\n",
            "memory.memsw.limit_in_bytes": "25000\n",
        },
    )
    fake.add("cpu,cpuacct/pod", **{"cpuacct.usage": "77\n"})
    fake.add("pids/pod", **{"pids.current": "3\n"})
    usage = fake.hierarchy.usage("/pod")
    assert (usage.cpu_ns, usage.pids) == (77, 3)
    assert (usage.memory_usage, usage.working_set, usage.rss) == (10000, 7000, 4096)
    assert (usage.memory_limit, usage.swap_limit, usage.swap_usage) == (20000, 5000, 6)
    assert (usage.page_faults, usage.major_page_faults) == (11, 2)
    assert usage.cpu_pressure is None


def test_usage_of_what_is_partly_there(fake: FakeTrees) -> None:
    fake.add("memory/pod", **{"memory.limit_in_bytes": "9223372036854771712\n", "memory.usage_in_bytes": "1\n"})
    usage = fake.hierarchy.usage("/pod")
    assert (usage.cpu_ns, usage.pids, usage.memory_limit, usage.memory_usage) == (None, None, None, 1)
    with pytest.raises(FileNotFoundError, match="gone"):
        fake.hierarchy.usage("/gone")


def test_memory_without_swap_accounting(fake: FakeTrees) -> None:
    fake.add("memory/pod", **{"memory.limit_in_bytes": ""})
    resources = LinuxContainerResources(memory_limit_in_bytes=4096, memory_swap_limit_in_bytes=4096)
    fake.hierarchy.apply("/pod", resources)
    assert fake.text("memory/pod/memory.limit_in_bytes") == "4096"
    assert os.listdir(fake.root / "memory" / "pod") == ["memory.limit_in_bytes"]


@pytest.mark.parametrize(
    ("current", "memory", "both", "first"),
    [(1000, 2000, 3000, "memsw"), (5000, 2000, 3000, "plain"), (5000, 2000, -1, "memsw")],
)
def test_order_of_memory_writes(
    fake: FakeTrees, monkeypatch: pytest.MonkeyPatch, current: int, memory: int, both: int, first: str
) -> None:
    fake.add("memory/pod", **{"memory.limit_in_bytes": "", "memory.memsw.limit_in_bytes": f"{current}\n"})
    order: list[str] = []
    monkeypatch.setattr(
        "orlop.linux.cgroups.v1.write_value",
        lambda name, value: order.append("memsw" if "memsw" in name else "plain"),
    )
    resources = LinuxContainerResources(memory_limit_in_bytes=memory, memory_swap_limit_in_bytes=both)
    fake.hierarchy.apply("/pod", resources)
    assert order[0] == first
    assert len(order) == 2


def test_missing_controllers_are_named(fake: FakeTrees) -> None:
    fake.add("memory/pod")
    with pytest.raises(OSError, match=r"no cpuset controller.*cpuset\.cpus") as caught:
        fake.hierarchy.apply("/pod", LinuxContainerResources(cpuset_cpus="0"))
    assert caught.value.errno == errno.ENOENT
    fake.hierarchy.apply("/pod", LinuxContainerResources(hugepage_limits=(HugepageLimit(page_size="2MB"),)))
    with pytest.raises(OSError, match="no hugetlb controller"):
        some = HugepageLimit(page_size="2MB", limit=1 << 21)
        fake.hierarchy.apply("/pod", LinuxContainerResources(hugepage_limits=(some,)))
    with pytest.raises(FileNotFoundError, match="no freezer"):
        fake.hierarchy.freeze("/pod")
    fake.hierarchy.thaw("/pod")


def test_oom_kills_of_the_whole_tree(fake: FakeTrees) -> None:
    for path, kills in (("memory/pod", 0), ("memory/pod/a", 2), ("memory/pod/b/c", 1)):
        fake.add(path, **{"memory.oom_control": f"oom_kill_disable 0\nunder_oom 0\noom_kill {kills}\n"})
    assert fake.hierarchy.oom_kills("/pod") == 3
    assert fake.hierarchy.oom_kills("/gone") == 0


def test_pids_come_from_a_controller_that_has_the_cgroup(fake: FakeTrees) -> None:
    fake.add("memory/pod", **{"cgroup.procs": "5\n"})
    assert fake.hierarchy.pids("/pod") == [5]
    fake.add("pids/pod", **{"cgroup.procs": "6\n7\n"})
    assert fake.hierarchy.pids("/pod") == [6, 7]
    assert fake.hierarchy.pids("/gone") == []
