"""A pod's own parts on the real kernel, together and in the order in which a daemon makes and removes them."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.engine.sandbox.cgroup import PodCgroups
from orlop.engine.sandbox.files import PodFiles
from orlop.engine.sandbox.namespaces import Namespaces
from orlop.engine.stats.facade import Stats
from orlop.linux.cgroups.detection import detect
from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.model.container import ContainerConfig, ContainerRecord
from orlop.model.enums import CgroupDriver
from orlop.model.pod import PodRecord, PodSandboxConfig
from tests.harness import cgroups as run_cgroups
from tests.harness.waiting import until


@pytest.fixture
def hierarchy() -> Hierarchy:
    return detect()


@pytest.fixture
def parent(hierarchy: Hierarchy) -> Iterator[str]:
    """A cgroup for this test, as a kubelet or an administrator has made it."""
    path = f"{run_cgroups.PODS}-sandbox"
    hierarchy.create(path)
    yield path
    hierarchy.remove(path)


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    """A process that uses CPU time."""
    process = subprocess.Popen(["sh", "-c", "while :; do :; done"])
    yield process
    process.kill()
    process.wait()


async def test_a_pod_is_made_measured_and_removed(
    hierarchy: Hierarchy, parent: str, busy: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    state = str(tmp_path)
    cgroups = PodCgroups(hierarchy, CgroupDriver.CGROUPFS, state_dir=state, default_parent=parent)
    namespaces, files, stats = Namespaces(state), PodFiles(state), Stats(hierarchy)
    config = PodSandboxConfig(hostname="front")

    pinned = await namespaces.create("abc", config)
    await files.create("abc", config)
    pod_path = await cgroups.create("abc", "")
    assert pod_path == f"{parent}/pod-abc"
    container_path = cgroups.container_path("abc", "", "c1")
    hierarchy.create(container_path)
    hierarchy.move(container_path, busy.pid)

    pod = PodRecord(id="abc", config=config, handler="runc", created_at=time.time_ns(), namespaces=pinned)
    container = ContainerRecord(
        id="c1",
        pod_id="abc",
        config=ContainerConfig(),
        handler="runc",
        created_at=time.time_ns(),
        cgroup=container_path,
    )
    await until(lambda: (hierarchy.usage(container_path).cpu_ns or 0) > 50_000_000)
    one = stats.container(container, time.time_ns(), (4096, 1), state)
    whole = stats.pod(pod, time.time_ns(), cgroup=cgroups.stats_path("abc", ""), containers=[one], pid=busy.pid)
    assert one.cpu is not None
    assert 0 < (one.cpu.usage_nano_cores or 0) < os.cpu_count() * 2_000_000_000  # type: ignore[operator]  # it is known here
    assert one.memory is not None
    assert one.memory.working_set_bytes is not None
    assert whole.linux.cpu is not None
    assert (whole.linux.cpu.usage_core_nano_seconds or 0) >= 50_000_000
    assert whole.linux.process is not None
    assert whole.linux.process.process_count == 1
    assert whole.linux.network is not None
    assert whole.linux.network.interfaces == ()  # loopback alone; and the busy process is outside

    busy.kill()
    busy.wait()
    hierarchy.remove(container_path)
    await cgroups.remove("abc", "")
    await namespaces.remove("abc")
    await files.remove("abc")
    assert not hierarchy.exists(pod_path)
    assert hierarchy.exists(parent)
    assert os.listdir(tmp_path / "pods") == os.listdir(tmp_path / "pod-cgroups") == []


async def test_a_named_parent_that_is_missing_is_ours_to_remove(
    hierarchy: Hierarchy, parent: str, tmp_path: Path
) -> None:
    cgroups = PodCgroups(hierarchy, CgroupDriver.CGROUPFS, state_dir=str(tmp_path))
    missing = f"{parent}/pod-by-hand"
    assert await cgroups.create("abc", missing) == missing
    assert hierarchy.exists(missing)
    await cgroups.create("def", parent)  # this one was there
    await cgroups.remove("abc", missing)
    await cgroups.remove("def", parent)
    assert not hierarchy.exists(missing)
    assert hierarchy.exists(parent)


async def test_a_hundred_pods_leave_nothing(tmp_path: Path) -> None:
    namespaces, files = Namespaces(str(tmp_path)), PodFiles(str(tmp_path))
    config = PodSandboxConfig(hostname="front")
    for number in range(100):
        await namespaces.create(f"p{number}", config)
        await files.create(f"p{number}", config)
    for number in range(100):
        await namespaces.remove(f"p{number}")
        await files.remove(f"p{number}")
    assert os.listdir(tmp_path / "pods") == []
