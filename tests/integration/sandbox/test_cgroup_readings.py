"""Readings of a real cgroup by files that are held open: fresh values, and none of a cgroup that has gone."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from orlop.linux.cgroups.detection import detect
from orlop.linux.cgroups.held import HeldFiles
from tests.harness import cgroups

PATH = f"{cgroups.PODS}/held"


@pytest.fixture
def held() -> Iterator[HeldFiles]:
    files = HeldFiles()
    yield files
    files.close()
    detect().remove(cgroups.PODS)


def test_held_files_tell_what_fresh_ones_tell(held: HeldFiles) -> None:
    hierarchy = detect()
    hierarchy.create(PATH)
    before = hierarchy.usage(PATH, held.read)
    assert (before.memory_usage, before.pids) == (hierarchy.usage(PATH).memory_usage, hierarchy.usage(PATH).pids)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        hierarchy.move(PATH, process.pid)
        with_process = hierarchy.usage(PATH, held.read)
        assert with_process.pids == hierarchy.usage(PATH).pids == 1
        assert len(held) > 3
        process.communicate()
    assert (hierarchy.usage(PATH, held.read).cpu_ns or 0) > (before.cpu_ns or 0)


def test_a_cgroup_that_has_gone_and_another_of_its_name(held: HeldFiles) -> None:
    hierarchy = detect()
    hierarchy.create(PATH)
    hierarchy.usage(PATH, held.read)
    hierarchy.remove(PATH)  # held files do not keep it
    with pytest.raises(FileNotFoundError):
        hierarchy.usage(PATH, held.read)
    assert len(held) == 0
    hierarchy.create(PATH)
    assert hierarchy.usage(PATH, held.read).pids == 0
    descriptors = len(os.listdir("/proc/self/fd"))
    held.close()
    assert len(os.listdir("/proc/self/fd")) < descriptors
