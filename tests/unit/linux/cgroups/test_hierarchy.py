"""One suite of behaviours that the machine's real hierarchy must have, whatever its version."""

import errno
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from orlop.linux.cgroups.detection import detect
from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.linux.cgroups.v2 import UnifiedHierarchy
from orlop.model.resources import HugepageLimit, LinuxContainerResources

pytestmark = pytest.mark.root


@pytest.fixture
def hierarchy() -> Hierarchy:
    return detect()


@pytest.fixture(params=["detected", "hybrid's v2"])
def any_hierarchy(request: pytest.FixtureRequest) -> Hierarchy:
    """On a hybrid host the v2 tree has no controllers, but processes, freezer and kill: the same suite runs there."""
    if request.param == "detected":
        return detect()
    if not os.path.isdir("/sys/fs/cgroup/unified"):
        pytest.skip("not a hybrid host")
    return UnifiedHierarchy("/sys/fs/cgroup/unified")


@pytest.fixture
def path(request: pytest.FixtureRequest) -> Iterator[str]:
    name = "any_hierarchy" if "any_hierarchy" in request.fixturenames else "hierarchy"
    hierarchy: Hierarchy = request.getfixturevalue(name)
    path = f"/orlop-test-{os.getpid()}/unit"
    yield path
    hierarchy.kill_all(path)
    hierarchy.remove(path)
    assert not hierarchy.exists(path)


@pytest.fixture
def family() -> Iterator[subprocess.Popen[bytes]]:
    """A shell that makes a child when it is told to go on."""
    with subprocess.Popen(["sh", "-c", "read go; sleep 60 & sleep 60"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def _grow(family: subprocess.Popen[bytes], hierarchy: Hierarchy, path: str) -> list[int]:
    hierarchy.move(path, family.pid)
    assert family.stdin is not None
    family.stdin.write(b"\n")
    family.stdin.flush()
    deadline = time.monotonic() + 5
    while len(pids := hierarchy.pids(path)) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    return pids


def test_create_and_remove_are_idempotent(any_hierarchy: Hierarchy, path: str) -> None:
    for _ in range(2):
        any_hierarchy.create(f"{path}/a/b")
    assert any_hierarchy.exists(f"{path}/a")
    assert any_hierarchy.pids(path) == []
    for _ in range(2):
        any_hierarchy.remove(path)
        assert not any_hierarchy.exists(path)


@pytest.mark.parametrize("bad", ["relative", "", "/a/../../b", "/a\0b"])
def test_paths_that_are_none(any_hierarchy: Hierarchy, bad: str) -> None:
    for call in (
        any_hierarchy.create,
        any_hierarchy.remove,
        any_hierarchy.pids,
        any_hierarchy.exists,
        any_hierarchy.kill_all,
    ):
        with pytest.raises(ValueError, match="not a cgroup path"):
            call(bad)


def test_processes_of_the_whole_tree(any_hierarchy: Hierarchy, path: str, family: subprocess.Popen[bytes]) -> None:
    inner = f"{path}/inner"
    any_hierarchy.create(inner)
    pids = _grow(family, any_hierarchy, inner)
    assert len(pids) == 3
    assert family.pid in pids
    assert sorted(any_hierarchy.pids(path)) == sorted(pids)
    assert any_hierarchy.cgroup_of(family.pid).endswith(inner)


def test_kill_all_leaves_none(any_hierarchy: Hierarchy, path: str, family: subprocess.Popen[bytes]) -> None:
    any_hierarchy.create(f"{path}/inner")
    _grow(family, any_hierarchy, f"{path}/inner")
    any_hierarchy.kill_all(path)
    assert any_hierarchy.pids(path) == []
    assert family.wait() == -signal.SIGKILL
    any_hierarchy.kill_all(path)
    any_hierarchy.remove(path)
    any_hierarchy.kill_all(path)


def test_kill_all_of_a_frozen_child(any_hierarchy: Hierarchy, path: str, family: subprocess.Popen[bytes]) -> None:
    any_hierarchy.create(f"{path}/paused")
    _grow(family, any_hierarchy, f"{path}/paused")
    any_hierarchy.freeze(f"{path}/paused")
    any_hierarchy.kill_all(path)
    assert family.wait() == -signal.SIGKILL


def test_freeze_and_thaw(any_hierarchy: Hierarchy, path: str) -> None:
    any_hierarchy.create(path)
    code = "import time\nwhile True: print(flush=True); time.sleep(0.002)"
    with subprocess.Popen(["python3", "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        any_hierarchy.move(path, process.pid)

        def ticks(seconds: float) -> bool:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                try:
                    if os.read(process.stdout.fileno(), 65536):
                        return True
                except BlockingIOError:
                    time.sleep(0.01)
            return False

        assert ticks(5)
        assert not any_hierarchy.frozen(path) and not any_hierarchy.frozen(f"{path}/none")
        any_hierarchy.freeze(path)
        assert any_hierarchy.frozen(path)
        time.sleep(0.1)
        ticks(0.05)
        assert not ticks(0.1)
        any_hierarchy.thaw(path)
        assert ticks(5)
        assert not any_hierarchy.frozen(path)
        process.kill()


def test_usage_of_real_work(hierarchy: Hierarchy, path: str) -> None:
    hierarchy.create(path)
    limits = LinuxContainerResources(memory_limit_in_bytes=200 << 20)
    hierarchy.apply(path, limits)
    code = "import sys; input(); x = bytearray(30 << 20); sum(range(300000)); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(["python3", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        hierarchy.move(path, process.pid)
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        usage = hierarchy.usage(path)
        process.kill()
    assert usage.memory_limit == 200 << 20
    assert usage.memory_usage is not None
    assert usage.memory_usage > 25 << 20
    assert usage.rss is not None
    assert usage.rss > 25 << 20
    assert usage.working_set is not None
    assert 25 << 20 < usage.working_set <= usage.memory_usage
    assert usage.page_faults is not None
    assert usage.page_faults > 1000
    assert usage.pids == 1
    assert usage.cpu_ns is not None
    assert usage.cpu_ns > 1_000_000
    assert abs(usage.timestamp_ns - time.time_ns()) < 10**10


def test_usage_is_cheap_and_missing_is_told(hierarchy: Hierarchy, path: str) -> None:
    with pytest.raises(FileNotFoundError):
        hierarchy.usage(path)
    hierarchy.create(path)
    took = []
    for _ in range(20):
        begin = time.perf_counter()
        hierarchy.usage(path)
        took.append(time.perf_counter() - begin)
    assert min(took) < 0.002
    assert hierarchy.usage(path).memory_limit is None


def test_limits_up_and_down(hierarchy: Hierarchy, path: str) -> None:
    """In both directions memory never exceeds memory and swap together on the way."""
    hierarchy.create(path)
    for memory, both in ((100, 100), (50, 60), (200, 300), (40, 40), (150, -1), (80, 80)):
        resources = LinuxContainerResources(
            memory_limit_in_bytes=memory << 20, memory_swap_limit_in_bytes=both << 20 if both > 0 else both
        )
        hierarchy.apply(path, resources)
        usage = hierarchy.usage(path)
        assert usage.memory_limit == memory << 20
        if usage.swap_limit is not None and both > 0:
            assert usage.swap_limit == (both - memory) << 20


def test_all_kinds_of_limits(hierarchy: Hierarchy, path: str) -> None:
    hierarchy.create(path)
    resources = LinuxContainerResources(
        cpu_shares=512,
        cpu_period=100000,
        cpu_quota=50000,
        cpuset_cpus="0",
        cpuset_mems="0",
        hugepage_limits=(HugepageLimit(page_size="2MB", limit=0),),
    )
    hierarchy.apply(path, resources)
    hierarchy.apply(path, LinuxContainerResources(cpu_quota=-1))


def test_a_refused_value_is_named(hierarchy: Hierarchy, path: str) -> None:
    hierarchy.create(path)
    with pytest.raises(OSError, match=rf"cannot write '7777'.*{path}/cpuset\.cpus"):
        hierarchy.apply(path, LinuxContainerResources(cpuset_cpus="7777"))
    with pytest.raises(FileNotFoundError, match="missing"):
        hierarchy.apply(f"{path}/missing", LinuxContainerResources(cpu_shares=2))


def test_oom_kills_are_counted(hierarchy: Hierarchy, path: str) -> None:
    assert hierarchy.oom_kills(path) == 0
    hierarchy.create(f"{path}/container")
    limits = LinuxContainerResources(memory_limit_in_bytes=20 << 20, memory_swap_limit_in_bytes=20 << 20)
    hierarchy.apply(f"{path}/container", limits)
    code = "import sys; sys.stdin.readline(); x = bytearray(60 << 20)"
    with subprocess.Popen(["python3", "-c", code], stdin=subprocess.PIPE) as process:
        hierarchy.move(f"{path}/container", process.pid)
        process.communicate(b"\n")
    assert process.returncode == -signal.SIGKILL
    assert hierarchy.oom_kills(f"{path}/container") == 1
    assert hierarchy.oom_kills(path) == 1


def test_remove_waits_for_the_dying_but_not_for_the_living(
    any_hierarchy: Hierarchy, path: str, family: subprocess.Popen[bytes]
) -> None:
    any_hierarchy.create(path)
    any_hierarchy.move(path, family.pid)
    with pytest.raises(OSError, match=path) as caught:
        any_hierarchy.remove(path)
    assert caught.value.errno == errno.EBUSY
    family.kill()
    any_hierarchy.remove(path)
    assert not any_hierarchy.exists(path)


def test_cgroup_of_a_missing_process(any_hierarchy: Hierarchy) -> None:
    with pytest.raises(ProcessLookupError):
        any_hierarchy.cgroup_of(2**22 - 1)
