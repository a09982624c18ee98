"""The spec's mounts and their order."""

from typing import Any

import pytest

from orlop.engine.oci.inputs import ResolvedMount
from orlop.engine.oci.mounts import mounts, rootfs_propagation
from orlop.model.enums import MountPropagation
from orlop.model.pod import PinnedNamespaces
from tests.unit.engine.oci.samples import inputs

TO_CONTAINER = MountPropagation.PROPAGATION_HOST_TO_CONTAINER
BOTH_WAYS = MountPropagation.PROPAGATION_BIDIRECTIONAL


def volume(path: str, host: str = "/src", **fields: Any) -> ResolvedMount:
    return ResolvedMount(container_path=path, host_path=host, **fields)


def found(*volumes: ResolvedMount, **changes: Any) -> dict[str, dict[str, Any]]:
    return {entry["destination"]: entry for entry in mounts(inputs(mounts=volumes, **changes))}


def test_the_kernels_filesystems() -> None:
    entries = found()
    assert list(entries) == ["/proc", "/dev", "/sys", "/dev/pts", "/dev/mqueue", "/sys/fs/cgroup"]
    assert "ro" in entries["/sys"]["options"]
    assert "ro" in entries["/sys/fs/cgroup"]["options"]
    assert entries["/sys/fs/cgroup"]["type"] == "cgroup"


def test_privileged_may_write_sysfs_and_cgroups() -> None:
    entries = found(context={"privileged": True})
    assert "ro" not in entries["/sys"]["options"] + entries["/sys/fs/cgroup"]["options"]


def test_sysfs_of_the_nodes_network_in_a_user_namespace_is_bound() -> None:
    entry = found(pod={"namespaces": PinnedNamespaces(user="/u")})["/sys"]
    assert (entry["type"], entry["source"]) == ("bind", "/sys")


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({}, ["rbind", "rprivate", "rw"]),
        ({"readonly": True}, ["rbind", "rprivate", "ro"]),
        ({"readonly": True, "recursive_read_only": True}, ["rbind", "rprivate", "rro"]),
        ({"propagation": TO_CONTAINER}, ["rbind", "rslave", "rw"]),
        ({"propagation": BOTH_WAYS, "options": ("noexec",)}, ["rbind", "rshared", "rw", "noexec"]),
    ],
)
def test_a_volumes_options(fields: dict[str, Any], options: list[str]) -> None:
    assert found(volume("/data", **fields))["/data"]["options"] == options


def test_parents_come_before_children() -> None:
    order = list(found(volume("/a/b/c"), volume("/a/b"), volume("/z"), volume("/a")))
    assert [path for path in order if path[1] in "az"] == ["/z", "/a", "/a/b", "/a/b/c"]


def test_later_mounts_replace_earlier_ones_and_ours() -> None:
    entries = found(volume("/dev/shm", "/pod/shm"), volume("/dev/shm/", "/own"), volume("//sys/", "/sys"))
    assert entries["/dev/shm"]["source"] == "/own"
    assert entries["/sys"]["type"] == "bind"


def test_the_nodes_dev_replaces_all_of_ours_below_it() -> None:
    entries = found(volume("/dev", "/dev"), volume("/dev/shm", "/pod/shm"))
    assert [path for path in entries if path.startswith("/dev")] == ["/dev", "/dev/shm"]


def test_root_propagation_is_the_widest_that_is_needed() -> None:
    assert rootfs_propagation(inputs()) == ""
    assert rootfs_propagation(inputs(mounts=(volume("/a"),))) == ""
    assert rootfs_propagation(inputs(mounts=(volume("/a", propagation=TO_CONTAINER),))) == "rslave"
    two = (volume("/a", propagation=BOTH_WAYS), volume("/b", propagation=TO_CONTAINER))
    assert rootfs_propagation(inputs(mounts=two)) == "rshared"
