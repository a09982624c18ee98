"""Figures of containers and pods from one reading of a cgroup."""

import os
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from orlop.engine.stats.facade import Stats
from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.linux.cgroups.reading import Reader, read_file
from orlop.linux.cgroups.usage import CgroupUsage
from orlop.model.container import ContainerRecord
from orlop.model.pod import PodRecord
from orlop.model.stats import ContainerStats, FilesystemIdentifier, FilesystemUsage, ProcessUsage
from tests.fakes.cgroups import FakeHierarchy

SECOND = 1_000_000_000
USAGE = CgroupUsage(timestamp_ns=3 * SECOND, cpu_ns=SECOND, memory_usage=100, working_set=60, rss=50, pids=4)


@pytest.fixture
def stats(tree: FakeHierarchy) -> Stats:
    tree.readings["/pods/p1/c1"] = USAGE
    return Stats(cast("Hierarchy", tree))


def taken(stats: Stats, container: ContainerRecord) -> ContainerStats:
    return stats.container(container, 4 * SECOND, (4096, 2), "/var/lib/orlop")


def test_a_container(stats: Stats, container: ContainerRecord) -> None:
    found = taken(stats, container)
    assert (found.attributes.id, found.attributes.metadata.name) == ("c1", "app")
    assert (found.attributes.labels, found.attributes.annotations) == ({"a": "1"}, {"b": "2"})
    assert found.cpu is not None
    assert found.cpu.usage_nano_cores == SECOND // 2
    assert found.memory is not None
    assert found.memory.working_set_bytes == 60
    assert found.writable_layer == FilesystemUsage(
        timestamp=4 * SECOND, fs_id=FilesystemIdentifier(mountpoint="/var/lib/orlop"), used_bytes=4096, inodes_used=2
    )


def test_an_ended_container_has_its_layer_only(stats: Stats, tree: FakeHierarchy, container: ContainerRecord) -> None:
    tree.readings.clear()
    found = taken(stats, container)
    assert found.cpu is None
    assert found.memory is None
    assert found.writable_layer is not None
    assert stats.container(container, 0, None, "/").writable_layer is None


def test_what_is_forgotten_starts_anew(stats: Stats, tree: FakeHierarchy, container: ContainerRecord) -> None:
    taken(stats, container)
    tree.readings["/pods/p1/c1"] = replace(USAGE, timestamp_ns=5 * SECOND)
    idle = taken(stats, container)
    assert idle.cpu is not None
    assert idle.cpu.usage_nano_cores == 0
    stats.forget("c1")
    anew = taken(stats, container)
    assert anew.cpu is not None
    assert anew.cpu.usage_nano_cores == SECOND // 4


def test_a_pod_with_a_cgroup_of_its_own(
    stats: Stats, tree: FakeHierarchy, pod: PodRecord, container: ContainerRecord
) -> None:
    tree.readings["/pods/p1"] = replace(USAGE, cpu_ns=2 * SECOND, memory_usage=500)
    containers = [taken(stats, container)]
    found = stats.pod(pod, 4 * SECOND, cgroup="/pods/p1", containers=containers)
    assert (found.attributes.id, found.attributes.metadata.name) == ("p1", "front")
    assert found.linux.cpu is not None
    assert found.linux.cpu.usage_nano_cores == SECOND
    assert found.linux.memory is not None
    assert found.linux.memory.usage_bytes == 500
    assert found.linux.process == ProcessUsage(timestamp=3 * SECOND, process_count=4)
    assert found.linux.containers == tuple(containers)
    assert found.linux.network is None  # it is in the node's


def test_a_pod_without_one_is_the_sum_of_its_containers(
    stats: Stats, tree: FakeHierarchy, pod: PodRecord, container: ContainerRecord
) -> None:
    containers = [taken(stats, container), taken(stats, container)]
    found = stats.pod(pod, 4 * SECOND, cgroup="", containers=containers)
    assert found.linux.cpu is not None
    assert found.linux.cpu.usage_core_nano_seconds == 2 * SECOND
    assert found.linux.memory is not None
    assert found.linux.memory.working_set_bytes == 120
    assert found.linux.memory.available_bytes is None
    tree.readings.clear()
    empty = stats.pod(pod, 4 * SECOND, cgroup="", containers=[taken(stats, container)])
    assert empty.linux.cpu is None
    assert empty.linux.memory is None


def test_files_are_held_until_their_object_is_forgotten(
    tree: FakeHierarchy, container: ContainerRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "memory.current"
    file.write_text("1")

    def usage(path: str, read: Reader = read_file) -> CgroupUsage:
        assert read(str(file)) == b"1"
        return USAGE

    monkeypatch.setattr(tree, "usage", usage)
    stats = Stats(cast("Hierarchy", tree))
    for _ in range(3):
        taken(stats, container)
        assert times_open(file) == 1
    stats.forget("c1")
    assert times_open(file) == 0
    monkeypatch.setattr("orlop.engine.stats.facade.MOST_HELD", 0)
    assert taken(stats, container).cpu is not None
    assert times_open(file) == 0


def times_open(file: Path) -> int:
    descriptors = Path("/proc/self/fd")
    return sum(os.readlink(link) == str(file) for link in descriptors.iterdir() if link.is_symlink())
