"""Cgroup paths under both drivers, and which pod cgroups are ours to remove."""

from pathlib import Path
from typing import cast

import pytest

from orlop.engine.sandbox.cgroup import PodCgroups
from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.model.enums import CgroupDriver
from orlop.model.errors import InvalidArgument
from tests.fakes.cgroups import FakeHierarchy

SLICE = "kubepods-besteffort-pod1.slice"
SLICE_PATH = "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice"


@pytest.fixture
def tree() -> FakeHierarchy:
    return FakeHierarchy()


def made(
    tree: FakeHierarchy, tmp_path: Path, driver: CgroupDriver = CgroupDriver.CGROUPFS, parent: str = ""
) -> PodCgroups:
    return PodCgroups(cast("Hierarchy", tree), driver, state_dir=str(tmp_path), default_parent=parent)


def test_paths_with_the_cgroupfs_driver(tree: FakeHierarchy, tmp_path: Path) -> None:
    cgroups = made(tree, tmp_path)
    for parent in ("/kubepods/pod1", "kubepods/pod1/", "//kubepods/./pod1"):
        assert cgroups.pod_path("p", parent) == "/kubepods/pod1"
    assert cgroups.container_path("p", "/kubepods/pod1", "c") == "/kubepods/pod1/orlop-c"
    assert cgroups.oci_path("p", "/kubepods/pod1", "c") == "/kubepods/pod1/orlop-c"
    assert cgroups.container_path("p", "", "c") == "/orlop/pod-p/orlop-c"
    assert cgroups.stats_path("p", "") == "/orlop/pod-p"


def test_paths_with_the_systemd_driver(tree: FakeHierarchy, tmp_path: Path) -> None:
    cgroups = made(tree, tmp_path, CgroupDriver.SYSTEMD)
    for parent in (SLICE, SLICE_PATH):
        assert cgroups.pod_path("p", parent) == SLICE_PATH
        assert cgroups.container_path("p", parent, "c") == f"{SLICE_PATH}/orlop-c.scope"
        assert cgroups.oci_path("p", parent, "c") == f"{SLICE}:orlop:c"
        assert cgroups.stats_path("p", parent) == SLICE_PATH
    assert cgroups.container_path("p", "", "c") == "/system.slice/orlop-c.scope"
    assert cgroups.oci_path("p", "", "c") == "system.slice:orlop:c"
    assert cgroups.stats_path("p", "") == ""


@pytest.mark.parametrize(
    ("driver", "parent", "words"),
    [
        (CgroupDriver.CGROUPFS, SLICE, "cgroup driver is cgroupfs"),
        (CgroupDriver.CGROUPFS, SLICE_PATH, "cgroup driver is cgroupfs"),
        (CgroupDriver.CGROUPFS, "/", "root of the cgroup tree"),
        (CgroupDriver.CGROUPFS, "/a/../b", "not a cgroup path"),
        (CgroupDriver.CGROUPFS, "/a\nb", "not a cgroup path"),
        (CgroupDriver.SYSTEMD, "/kubepods/pod1", "cgroup driver is systemd"),
        (CgroupDriver.SYSTEMD, "a--b.slice", "a--b.slice"),
        (CgroupDriver.SYSTEMD, "-.slice", "root of the cgroup tree"),
    ],
)
def test_parents_that_do_not_fit_are_refused(
    tree: FakeHierarchy, tmp_path: Path, driver: CgroupDriver, parent: str, words: str
) -> None:
    with pytest.raises(InvalidArgument, match=r"cgroup_parent") as caught:
        made(tree, tmp_path, driver).check(parent)
    assert words in str(caught.value)


def test_a_container_is_where_its_configuration_says(tree: FakeHierarchy, tmp_path: Path) -> None:
    for parent in ("", "/kubepods/pod1"):
        cgroups = made(tree, tmp_path)
        assert cgroups.path_of(cgroups.oci_path("p", parent, "c")) == cgroups.container_path("p", parent, "c")
    systemd = made(tree, tmp_path, CgroupDriver.SYSTEMD)
    assert systemd.path_of(systemd.oci_path("p", SLICE, "c")) == systemd.container_path("p", SLICE, "c")
    assert systemd.path_of("system.slice::mine") == "/system.slice/mine.scope"
    for cgroups, bad in ((made(tree, tmp_path), "/a/../b"), (made(tree, tmp_path), "/"), (systemd, "/kubepods/x")):
        with pytest.raises(InvalidArgument, match=r"linux\.cgroupsPath"):
            cgroups.path_of(bad)


def test_a_default_parent_is_checked_at_start(tree: FakeHierarchy, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"cgroup\.default_parent"):
        made(tree, tmp_path, parent="x.slice")
    assert made(tree, tmp_path, parent="/pods").pod_path("p", "") == "/pods/pod-p"
    made(tree, tmp_path).check("")


async def test_a_cgroup_of_the_kubelet_is_left_to_it(tree: FakeHierarchy, tmp_path: Path) -> None:
    tree.create("/kubepods/pod1")
    cgroups = made(tree, tmp_path)
    assert await cgroups.create("p", "/kubepods/pod1") == "/kubepods/pod1"
    await cgroups.remove("p", "/kubepods/pod1")
    assert tree.exists("/kubepods/pod1")


@pytest.mark.parametrize("parent", ["", "/test/pod1"])
async def test_a_cgroup_of_our_own_goes_again_also_after_a_restart(
    tree: FakeHierarchy, tmp_path: Path, parent: str
) -> None:
    path = await made(tree, tmp_path).create("p", parent)
    assert tree.exists(path)
    for _ in range(2):
        await made(tree, tmp_path).remove("p", parent)
        assert not tree.exists(path)
    assert list((tmp_path / "pod-cgroups").iterdir()) == []


async def test_pods_that_share_a_cgroup_of_ours_take_it_away_with_the_last(tree: FakeHierarchy, tmp_path: Path) -> None:
    cgroups = made(tree, tmp_path)
    await cgroups.create("p", "/test")
    await cgroups.create("q", "/test")
    await cgroups.remove("p", "/test")
    assert tree.exists("/test")
    await cgroups.remove("q", "/test")
    assert not tree.exists("/test")


async def test_a_mark_that_was_never_finished_keeps_nothing(tree: FakeHierarchy, tmp_path: Path) -> None:
    cgroups = made(tree, tmp_path)
    await cgroups.create("p", "/test")
    (tmp_path / "pod-cgroups" / ".q.1.1.1").write_text("/test")  # a daemon was killed while it wrote q's
    await cgroups.remove("p", "/test")
    assert not tree.exists("/test")


async def test_slices_are_left_to_systemd(tree: FakeHierarchy, tmp_path: Path) -> None:
    cgroups = made(tree, tmp_path, CgroupDriver.SYSTEMD)
    assert await cgroups.create("p", SLICE) == SLICE_PATH
    await cgroups.remove("p", SLICE)
    assert tree.paths == set()


async def test_an_id_that_is_none_is_refused(tree: FakeHierarchy, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        await made(tree, tmp_path).create("../p", "/test")
