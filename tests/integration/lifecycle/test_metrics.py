"""Metrics through the socket: they agree with their descriptors, and move with what a container does."""

from typing import Any

from tests.harness import cgroups
from tests.harness.cri import Cri
from tests.harness.pods import CONTAINER, NODE, Pods, eventually
from tests.integration.lifecycle.conftest import each_handler

MIB = 1 << 20
LIMITS = {"cpu_period": 100000, "cpu_quota": 20000, "cpu_shares": 1024, "memory_limit_in_bytes": 64 * MIB}
LINUX = {"resources": LIMITS, "security_context": {"namespace_options": {"pid": CONTAINER}}}

# No kernel and no machine has all of these: cgroup v1 no pressure, v2 no peak of huge pages, some no block device.
OPTIONAL = tuple(f"container_{name}_" for name in ("pressure", "hugetlb", "fs_reads", "fs_writes", "blkio"))

Series = dict[tuple[str, ...], int]


def series(metrics: Any) -> Series:
    """Name and label values to value."""
    found = {(metric.name, *metric.label_values): metric.value.value for metric in metrics}
    assert len(found) == len(metrics), "no series twice"
    return found


def of_pod(cri: Cri, pod_id: str) -> Any:
    """The metrics of one pod."""
    [found] = [item for item in cri("ListPodSandboxMetrics").pod_metrics if item.pod_sandbox_id == pod_id]
    return found


def value(metrics: Any, name: str, *labels: str) -> int:
    """The one value of a metric whose last labels are these."""
    [found] = [
        metric.value.value
        for metric in metrics
        if metric.name == name and (not labels or tuple(metric.label_values)[-len(labels) :] == labels)
    ]
    return int(found)


@each_handler
def test_every_descriptor_has_values_and_they_have_its_labels(pods: Pods, cri: Cri) -> None:
    pod = pods.run()
    container = pod.start(linux=LINUX)
    container.sh("for i in 1 2 3; do echo hi > /file$i; done; sync")
    keys = {item.name: tuple(item.label_keys) for item in cri("ListMetricDescriptors").descriptors}
    found = of_pod(cri, pod.id)
    [of_container] = found.container_metrics
    assert of_container.container_id == container.id
    metrics = [*found.metrics, *of_container.metrics]
    series(metrics)
    for metric in metrics:
        assert len(metric.label_values) == len(keys[metric.name]), metric.name
        labels = dict(zip(keys[metric.name], metric.label_values, strict=True))
        assert (labels["namespace"], labels["pod"]) == ("test", pod.config["metadata"]["name"])
    missing = {name for name in keys if not name.startswith(OPTIONAL)} - {metric.name for metric in metrics}
    assert missing == set()
    labels = dict(zip(keys["container_processes"], of_container.metrics[0].label_values, strict=False))
    assert (labels["container"], labels["name"]) == (container.config["metadata"]["name"], container.id)
    assert labels["id"].endswith(container.id) or container.id in labels["id"]


@each_handler
def test_a_containers_metrics_follow_what_it_does(pods: Pods, cri: Cri) -> None:
    pod = pods.run()
    container = pod.start(linux=LINUX)
    # Its shell, and the sleep that it starts.
    eventually(lambda: value(of_pod(cri, pod.id).container_metrics[0].metrics, "container_processes") == 2)
    before = of_pod(cri, pod.id).container_metrics[0].metrics
    container.sh(
        # They keep nothing of the exec's open: another runtime would wait for the end of its output.
        "sleep 1000 >/dev/null 2>&1 & sleep 1000 >/dev/null 2>&1 &"
        "dd if=/dev/zero of=/dev/shm/fill bs=1M count=30 2>/dev/null;"
        "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"
    )
    after = of_pod(cri, pod.id).container_metrics[0].metrics
    assert value(after, "container_processes") == value(before, "container_processes") + 2
    assert value(after, "container_threads") == value(before, "container_threads") + 2
    assert value(after, "container_file_descriptors") > value(before, "container_file_descriptors")
    grown = value(after, "container_memory_usage_bytes") - value(before, "container_memory_usage_bytes")
    assert 25 * MIB <= grown <= 64 * MIB, "30 MiB, less what the start of the container gave back meanwhile"
    assert value(after, "container_memory_max_usage_bytes") >= 30 * MIB
    assert value(after, "container_spec_memory_limit_bytes") == 64 * MIB
    assert value(after, "container_spec_cpu_quota") == 20000
    throttled = "container_cpu_cfs_throttled_periods_total"
    assert value(after, throttled) > value(before, throttled)
    faults = ("container_memory_failures_total", "pgfault", "hierarchy")
    assert value(after, *faults) > value(before, *faults)
    assert value(after, "container_start_time_seconds") == container.status().started_at // 1_000_000_000


def test_an_oom_kill_is_counted(pods: Pods, cri: Cri) -> None:
    pod = pods.run()
    container = pod.start(linux={**LINUX, "resources": {"memory_limit_in_bytes": 20 * MIB}})
    assert value(of_pod(cri, pod.id).container_metrics[0].metrics, "container_oom_events_total") == 0
    container.exec("sh", "-c", "tail /dev/zero")
    metrics = of_pod(cri, pod.id).container_metrics
    if not metrics:  # cgroup v2 may kill all of it at once
        assert cgroups.is_v2()
        return
    assert value(metrics[0].metrics, "container_oom_events_total") >= 1


def test_a_pods_network_is_counted_by_interface(pods: Pods, cri: Cri) -> None:
    pod = pods.run()
    quiet = of_pod(cri, pod.id)
    assert list(quiet.container_metrics) == []
    before = value(quiet.metrics, "container_network_transmit_bytes_total", "eth0")
    gateway = f"{pod.ip.rpartition('.')[0]}.1"
    pod.start().sh(f"nc -w 1 {gateway} 8080 || true")
    after = of_pod(cri, pod.id).metrics
    assert value(after, "container_network_transmit_bytes_total", "eth0") > before
    assert value(after, "container_network_transmit_packets_total", "eth0") > 0


def test_pods_in_the_nodes_network_and_ended_ones(pods: Pods, cri: Cri) -> None:
    linux = {"security_context": {"namespace_options": {"network": NODE, "pid": CONTAINER}}}
    pod = pods.run(linux=linux)
    ended, running = pod.start("true", linux=linux), pod.start(linux=linux)
    ended.wait()
    found = of_pod(cri, pod.id)
    assert [item.container_id for item in found.container_metrics] == [running.id]
    assert not [metric for metric in found.metrics if metric.name.startswith("container_network_")]
    pod.stop()
    assert pod.id not in {item.pod_sandbox_id for item in cri("ListPodSandboxMetrics").pod_metrics}


def test_metrics_are_streamed(pods: Pods, cri: Cri) -> None:
    ids = {pods.run().id, pods.run().id}
    streamed = [item for message in cri.stream("StreamPodSandboxMetrics") for item in message.pod_sandbox_metrics]
    assert ids <= {item.pod_sandbox_id for item in streamed}
    [one] = [item for item in streamed if item.pod_sandbox_id == min(ids)]
    names = {metric.name for metric in one.metrics}
    assert names == {metric.name for metric in of_pod(cri, min(ids)).metrics}
