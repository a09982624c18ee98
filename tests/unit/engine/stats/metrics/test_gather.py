"""Readings of a container and a pod, with this very process standing in for theirs."""

import os

from orlop.engine.stats.metrics.gather import container_metrics, disk_of, pod_metrics
from orlop.linux.cgroups.account import CgroupAccount
from orlop.linux.cgroups.usage import CgroupUsage
from orlop.model.container import ContainerConfig, ContainerMetadata, ContainerRecord, ContainerStatus
from orlop.model.image import ImageSpec
from orlop.model.pod import PodRecord, PodSandboxConfig, PodSandboxMetadata

POD = PodSandboxMetadata(name="front", namespace="web", uid="u")
CONTAINER = ContainerRecord(
    id="c1",
    pod_id="p1",
    config=ContainerConfig(
        metadata=ContainerMetadata(name="app"), image=ImageSpec(image="sha256:1", user_specified_image="app:1")
    ),
    handler="runc",
    created_at=1,
    cgroup="/pods/p1/c1",
)


class Tree:
    """Cgroups that hold this process."""

    def __init__(self, *paths: str) -> None:
        self._paths = paths

    def account(self, path: str) -> CgroupAccount:
        if path not in self._paths:
            raise FileNotFoundError(2, "no such cgroup", path)
        return CgroupAccount(usage=CgroupUsage(timestamp_ns=1, memory_usage=100))

    def pids(self, path: str) -> list[int]:
        return [os.getpid()] if path in self._paths else []


def test_a_container_is_named_by_its_labels_and_measured(tmp_path):
    status = ContainerStatus(made=True, pid=os.getpid(), started_at=5_000_000_000)
    disk = disk_of(str(tmp_path))
    found = container_metrics(Tree("/pods/p1/c1"), CONTAINER, status, POD, layer_bytes=7, disk=disk)
    values = {metric.name: metric.value for metric in found.metrics}
    labels = ("app", "/pods/p1/c1", "app:1", "c1", "web", "front")
    assert {metric.label_values[:6] for metric in found.metrics} == {labels}
    assert (values["container_memory_usage_bytes"], values["container_fs_usage_bytes"]) == (100, 7)
    assert (values["container_processes"], values["container_start_time_seconds"]) == (1, 5)
    assert values["container_file_descriptors"] > 2
    assert values["container_fs_limit_bytes"] > 0


def test_a_container_that_has_just_ended_leaves_gaps():
    found = container_metrics(Tree(), CONTAINER, ContainerStatus(pid=1 << 30), POD, layer_bytes=7, disk=disk_of("/"))
    values = {metric.name: metric.value for metric in found.metrics}
    assert (values["container_fs_usage_bytes"], values["container_processes"], values["container_threads"]) == (7, 0, 0)
    assert not values.keys() & {"container_memory_usage_bytes", "container_ulimits_soft", "container_threads_max"}


def test_a_pods_own_series_have_no_container():
    record = PodRecord(id="p1", config=PodSandboxConfig(metadata=POD), handler="runc", created_at=9_000_000_000)
    found = pod_metrics(Tree("/pods/p1"), record, cgroup="/pods/p1", pid=0)
    assert {metric.label_values[:6] for metric in found} == {("", "/pods/p1", "", "p1", "web", "front")}
    values = {metric.name: metric.value for metric in found}
    assert (values["container_memory_usage_bytes"], values["container_start_time_seconds"]) == (100, 9)
    # Without a cgroup of its own, and in the node's network, little is left.
    assert {metric.name for metric in pod_metrics(Tree(), record, cgroup="", pid=0)} == {
        "container_start_time_seconds",
        "container_last_seen",
    }
