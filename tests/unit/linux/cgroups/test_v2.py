"""The v2 hierarchy on trees in a temporary directory: which files it reads and writes, whatever this machine has."""

import errno
import os
from pathlib import Path

import pytest

from orlop.linux.cgroups.usage import PressureLine
from orlop.linux.cgroups.v2 import UnifiedHierarchy
from orlop.model.resources import HugepageLimit, LinuxContainerResources

CONTROLLERS = "cpuset cpu io memory hugetlb pids"


class FakeTree:
    """Directories with the files that the kernel would make."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hierarchy = UnifiedHierarchy(str(root))
        self.add("/", **{"cgroup.controllers": CONTROLLERS, "cgroup.subtree_control": "cpu memory"})

    def add(self, path: str, **files: str) -> Path:
        directory = self.root / path.strip("/")
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (directory / name).write_text(text)
        return directory

    def text(self, path: str) -> str:
        return (self.root / path.strip("/")).read_text()


@pytest.fixture
def fake(tmp_path: Path) -> FakeTree:
    return FakeTree(tmp_path)


def test_controllers(fake: FakeTree) -> None:
    assert fake.hierarchy.version == 2
    assert fake.hierarchy.controllers == set(CONTROLLERS.split())


def test_create_hands_on_what_is_missing(fake: FakeTree) -> None:
    fake.add("/a", **{"cgroup.controllers": "cpu memory", "cgroup.subtree_control": "cpu memory"})
    (fake.root / "cgroup.subtree_control").write_text("cpuset cpu io memory hugetlb")
    fake.hierarchy.create("/a/b")
    assert (fake.root / "a" / "b").is_dir()
    # A plain file keeps the beginning of the last write: exactly the one controller that was missing.
    assert fake.text("/cgroup.subtree_control").startswith("+pids")
    assert fake.text("/a/cgroup.subtree_control") == "cpu memory"


@pytest.mark.root
def test_create_goes_on_where_nothing_is_delegated(fake: FakeTree) -> None:
    """A file that refuses every write stands for a busy or foreign parent."""
    (fake.root / "cgroup.subtree_control").unlink()
    (fake.root / "cgroup.subtree_control").symlink_to("/proc/self/oom_score_adj")
    fake.hierarchy.create("/pod")
    assert fake.hierarchy.exists("/pod")


def test_usage_reads_everything(fake: FakeTree) -> None:
    pressure = "some avg10=1.00 avg60=2.00 avg300=3.00 total=4\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    fake.add(
        "/pod",
        **{
            "cpu.stat": "usage_usec 1500\nuser_usec 1000\n",
            "memory.stat": "anon 4096\nfile 9000\ninactive_file 3000\npgfault 11\npgmajfault 2\n",
            "memory.current": "10000\n",
            "memory.max": "20000\n",
            "memory.swap.current": "5\n",
            "memory.swap.max": "max\n",
            "pids.current": "7\n",
            "cpu.pressure": pressure,
            "memory.pressure": pressure,
            "io.pressure": pressure,
        },
    )
    usage = fake.hierarchy.usage("/pod")
    assert (usage.cpu_ns, usage.pids) == (1_500_000, 7)
    assert (usage.memory_usage, usage.working_set, usage.rss) == (10000, 7000, 4096)
    assert (usage.memory_limit, usage.swap_limit, usage.swap_usage) == (20000, None, 5)
    assert (usage.page_faults, usage.major_page_faults) == (11, 2)
    for read in (usage.cpu_pressure, usage.memory_pressure, usage.io_pressure):
        assert read is not None
        assert read.some == PressureLine(total=4, avg10=1.0, avg60=2.0, avg300=3.0)


def test_limits_are_found_where_crun_puts_them(fake: FakeTree) -> None:
    unlimited = {"memory.max": "max\n", "memory.swap.max": "max\n"}
    fake.add("/pod/orlop-1.scope", **{"memory.stat": "anon 4096\n", "memory.current": "10000\n", **unlimited})
    fake.add("/pod/orlop-1.scope/container", **{"memory.max": "20000\n", "memory.swap.max": "0\n"})
    usage = fake.hierarchy.usage("/pod/orlop-1.scope")
    assert (usage.memory_usage, usage.memory_limit, usage.swap_limit) == (10000, 20000, 0)


def test_usage_without_controllers(fake: FakeTree) -> None:
    fake.add("/pod", **{"cpu.stat": "usage_usec 3\n"})
    usage = fake.hierarchy.usage("/pod")
    assert usage.cpu_ns == 3000
    assert usage.memory_usage is usage.working_set is usage.rss is usage.pids is usage.io_pressure is None


def test_working_set_is_never_negative(fake: FakeTree) -> None:
    fake.add("/pod", **{"memory.stat": "inactive_file 3000\n", "memory.current": "1000\n"})
    assert fake.hierarchy.usage("/pod").working_set == 0


def test_apply_writes_into_existing_files_only(fake: FakeTree) -> None:
    names = ("cpu.weight", "cpu.max", "memory.max", "memory.swap.max", "memory.high")
    fake.add("/pod", **dict.fromkeys(names, ""))
    resources = LinuxContainerResources(
        cpu_shares=1024,
        cpu_quota=20000,
        cpu_period=100000,
        memory_limit_in_bytes=4096,
        memory_swap_limit_in_bytes=4096,
        hugepage_limits=(HugepageLimit(page_size="2MB", limit=0),),
        unified={"memory.high": "4000"},
    )
    fake.hierarchy.apply("/pod", resources)
    assert [fake.text(f"/pod/{name}") for name in names] == ["100", "20000 100000", "4096", "0", "4000"]
    assert sorted(os.listdir(fake.root / "pod")) == sorted(names)


def test_apply_names_what_is_missing(fake: FakeTree) -> None:
    fake.add("/pod", **{"memory.max": ""})
    with pytest.raises(FileNotFoundError, match=r"cannot write '100'.*/pod/cpu\.weight"):
        fake.hierarchy.apply("/pod", LinuxContainerResources(cpu_shares=1024))
    with pytest.raises(FileNotFoundError, match=r"hugetlb\.2MB"):
        limit = HugepageLimit(page_size="2MB", limit=1 << 21)
        fake.hierarchy.apply("/pod", LinuxContainerResources(hugepage_limits=(limit,)))
    with pytest.raises(FileNotFoundError, match="gone"):
        swapless = LinuxContainerResources(memory_limit_in_bytes=10, memory_swap_limit_in_bytes=10)
        fake.hierarchy.apply("/gone", swapless)


def test_oom_kills(fake: FakeTree) -> None:
    fake.add("/pod", **{"memory.events": "low 0\nhigh 1\nmax 5\noom 4\noom_kill 3\noom_group_kill 0\n"})
    assert fake.hierarchy.oom_kills("/pod") == 3
    assert fake.hierarchy.oom_kills("/gone") == 0


def test_processes_below_in_any_depth(fake: FakeTree) -> None:
    for path, pids in (("/pod", "1\n2\n"), ("/pod/a", ""), ("/pod/a/b", "30\n0\n")):
        fake.add(path, **{"cgroup.procs": pids})
    assert sorted(fake.hierarchy.pids("/pod")) == [1, 2, 30]
    assert fake.hierarchy.pids("/gone") == []


def test_thaw_and_kill_of_the_gone(fake: FakeTree) -> None:
    fake.hierarchy.thaw("/gone")
    fake.hierarchy.kill_all("/gone")
    with pytest.raises(FileNotFoundError):
        fake.hierarchy.freeze("/gone")


def test_processes_that_do_not_die_are_named(fake: FakeTree) -> None:
    """cgroup.kill is a plain file here, so nobody dies."""
    fake.add("/pod", **{"cgroup.procs": f"{os.getpid()}\n", "cgroup.kill": ""})
    with pytest.raises(OSError, match=f"do not die from SIGKILL: {os.getpid()}") as caught:
        fake.hierarchy.kill_all("/pod", limit=0.05)
    assert caught.value.errno == errno.EBUSY
    assert fake.text("/pod/cgroup.kill") == "1"


def test_a_cgroup_that_is_only_to_be_counted_changes_no_parent(fake: FakeTree) -> None:
    fake.hierarchy.create("/system.slice/leaf", controllers=False)
    assert fake.hierarchy.exists("/system.slice/leaf")
    assert fake.text("/cgroup.subtree_control") == "cpu memory"


def test_kills_in_removed_children_are_the_parents_less_the_living(fake: FakeTree) -> None:
    fake.add("/pod", **{"memory.events": "oom 9\noom_kill 5\n"})
    fake.add("/pod/a", **{"memory.events": "oom_kill 2\n"})
    fake.add("/pod/b", **{"memory.events": "oom_kill 1\n"})
    assert fake.hierarchy.removed_oom_kills("/pod") == 2
    fake.add("/pod/b", **{"memory.events": "oom_kill 7\n"})
    assert fake.hierarchy.removed_oom_kills("/pod") == 0
    assert fake.hierarchy.removed_oom_kills("/gone") == 0
