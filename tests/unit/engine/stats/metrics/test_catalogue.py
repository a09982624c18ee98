"""Metrics against their descriptors, and against a reading whose figures are all different."""

import dataclasses
import re

import pytest

from orlop.engine.stats.interfaces import Interface
from orlop.engine.stats.metrics.catalogue import FAMILIES, descriptors, metrics_of
from orlop.engine.stats.metrics.family import BASE_LABELS
from orlop.engine.stats.metrics.reading import Disk, Reading
from orlop.linux.cgroups.account import CgroupAccount, DeviceIo, Hugepages
from orlop.linux.cgroups.usage import CgroupUsage, Pressure, PressureLine
from orlop.linux.fsinfo import FilesystemUsage
from orlop.linux.process_figures import ProcessFigures
from orlop.model.enums import MetricType
from orlop.model.resources import LinuxContainerResources

SECOND = 1_000_000_000
BASE = ("main", "/pods/c", "busybox:1", "c" * 64, "default", "web")
PRESSURE = Pressure(some=PressureLine(9_500_000, 0, 0, 0), full=PressureLine(3_000_001, 0, 0, 0))
USAGE = CgroupUsage(
    timestamp_ns=1,
    cpu_ns=12 * SECOND + 999_999_999,
    memory_usage=100,
    working_set=90,
    rss=80,
    page_faults=70,
    major_page_faults=7,
    swap_usage=60,
    pids=5,
    cpu_pressure=PRESSURE,
    memory_pressure=PRESSURE,
    io_pressure=PRESSURE,
)
ACCOUNT = CgroupAccount(
    usage=USAGE,
    cpu_user_ns=8 * SECOND,
    cpu_system_ns=4 * SECOND,
    periods=50,
    throttled_periods=20,
    throttled_ns=3 * SECOND,
    page_cache=11,
    mapped_files=12,
    kernel_memory=13,
    memory_peak=200,
    limit_hits=14,
    own_page_faults=69,
    own_major_page_faults=6,
    tasks_limit=None,
    oom_kills=2,
    devices=(DeviceIo("4095:7", 1000, 2000, 10, 20),),
    hugepages=(Hugepages("2MB", 2 << 20, 4 << 20),),
)
READING = Reading(
    now_ns=1000 * SECOND,
    account=ACCOUNT,
    processes=ProcessFigures(processes=3, threads=99, descriptors=30, sockets=4),
    open_files_limit=1024,
    layer_bytes=4096,
    disk=Disk(device="/dev/vda1", usage=FilesystemUsage(500, 400, 90, 50, 20)),
    resources=LinuxContainerResources(
        cpu_period=100000,
        cpu_quota=20000,
        cpu_shares=1024,
        memory_limit_in_bytes=64,
        memory_swap_limit_in_bytes=65,
        unified={"memory.min": "32"},
    ),
    started_ns=900 * SECOND,
    interfaces=(
        Interface(
            name="eth0", rx_bytes=1, rx_packets=2, rx_errors=3, rx_dropped=4,
            tx_bytes=5, tx_packets=6, tx_errors=7, tx_dropped=8,
        ),
    ),
)  # fmt: skip
EXPECTED = {
    "container_cpu_user_seconds_total": {(): 8},
    "container_cpu_system_seconds_total": {(): 4},
    "container_cpu_usage_seconds_total": {("total",): 12},
    "container_cpu_cfs_periods_total": {(): 50},
    "container_cpu_cfs_throttled_periods_total": {(): 20},
    "container_cpu_cfs_throttled_seconds_total": {(): 3},
    **{f"container_pressure_{name}_stalled_seconds_total": {(): 3} for name in ("cpu", "memory", "io")},
    **{f"container_pressure_{name}_waiting_seconds_total": {(): 9} for name in ("cpu", "memory", "io")},
    "container_memory_cache": {(): 11},
    "container_memory_rss": {(): 80},
    "container_memory_mapped_file": {(): 12},
    "container_memory_kernel_usage": {(): 13},
    "container_memory_swap": {(): 60},
    "container_memory_usage_bytes": {(): 100},
    "container_memory_working_set_bytes": {(): 90},
    "container_memory_max_usage_bytes": {(): 200},
    "container_memory_failcnt": {(): 14},
    "container_memory_failures_total": {
        ("pgfault", "container"): 69, ("pgfault", "hierarchy"): 70,
        ("pgmajfault", "container"): 6, ("pgmajfault", "hierarchy"): 7,
    },
    "container_oom_events_total": {(): 2},
    "container_hugetlb_usage_bytes": {("2MB",): 2 << 20},
    "container_hugetlb_max_usage_bytes": {("2MB",): 4 << 20},
    "container_fs_usage_bytes": {("/dev/vda1",): 4096},
    "container_fs_limit_bytes": {("/dev/vda1",): 500},
    "container_fs_inodes_free": {("/dev/vda1",): 30},
    "container_fs_inodes_total": {("/dev/vda1",): 50},
    "container_fs_reads_bytes_total": {("4095:7",): 1000},
    "container_fs_reads_total": {("4095:7",): 10},
    "container_fs_writes_bytes_total": {("4095:7",): 2000},
    "container_fs_writes_total": {("4095:7",): 20},
    "container_blkio_device_usage_total": {
        ("4095:7", "4095", "7", "Read"): 1000, ("4095:7", "4095", "7", "Write"): 2000,
    },
    "container_processes": {(): 3},
    "container_threads": {(): 5},
    "container_threads_max": {(): 0},
    "container_file_descriptors": {(): 30},
    "container_sockets": {(): 4},
    "container_ulimits_soft": {("max_open_files",): 1024},
    "container_network_receive_bytes_total": {("eth0",): 1},
    "container_network_receive_packets_total": {("eth0",): 2},
    "container_network_receive_errors_total": {("eth0",): 3},
    "container_network_receive_packets_dropped_total": {("eth0",): 4},
    "container_network_transmit_bytes_total": {("eth0",): 5},
    "container_network_transmit_packets_total": {("eth0",): 6},
    "container_network_transmit_errors_total": {("eth0",): 7},
    "container_network_transmit_packets_dropped_total": {("eth0",): 8},
    "container_spec_cpu_period": {(): 100000},
    "container_spec_cpu_quota": {(): 20000},
    "container_spec_cpu_shares": {(): 1024},
    "container_spec_memory_limit_bytes": {(): 64},
    "container_spec_memory_swap_limit_bytes": {(): 65},
    "container_spec_memory_reservation_limit_bytes": {(): 32},
    "container_start_time_seconds": {(): 900},
    "container_last_seen": {(): 1000},
}  # fmt: skip


def values(reading: Reading) -> dict[str, dict[tuple[str, ...], int | None]]:
    """Metric to its own labels' values to value."""
    found: dict[str, dict[tuple[str, ...], int | None]] = {}
    for metric in metrics_of(reading, BASE):
        assert metric.label_values[: len(BASE)] == BASE
        found.setdefault(metric.name, {})[metric.label_values[len(BASE) :]] = metric.value
    return found


def test_every_figure_is_in_its_metric() -> None:
    assert values(READING) == EXPECTED


def test_descriptors_and_metrics_agree_in_names_and_number_of_labels() -> None:
    keys = {descriptor.name: descriptor.label_keys for descriptor in descriptors()}
    assert len(keys) == len(FAMILIES)
    metrics = metrics_of(READING, BASE)
    assert {metric.name for metric in metrics} == keys.keys()
    for metric in metrics:
        assert len(metric.label_values) == len(keys[metric.name]) == len(set(keys[metric.name]))
        assert metric.timestamp == 0


def test_names_and_words_are_what_prometheus_takes() -> None:
    for descriptor in descriptors():
        assert re.fullmatch(r"container_[a-z0-9_]+", descriptor.name)
        assert descriptor.help.endswith(".")
        assert descriptor.label_keys[: len(BASE_LABELS)] == BASE_LABELS
    for family in FAMILIES:
        counts = family.name.endswith("_total") or family.name == "container_memory_failcnt"
        counts &= family.name != "container_fs_inodes_total"  # of all names only this one says "total" of a size
        assert (family.kind is MetricType.COUNTER) == counts, family.name


def test_one_series_has_one_value() -> None:
    series = [(metric.name, metric.label_values) for metric in metrics_of(READING, BASE)]
    assert len(series) == len(set(series))


def test_what_is_not_known_is_left_out() -> None:
    assert values(Reading(now_ns=SECOND)) == {"container_last_seen": {(): 1}}
    bare = values(Reading(now_ns=SECOND, account=CgroupAccount(usage=CgroupUsage(timestamp_ns=1))))
    assert bare.keys() == {
        "container_last_seen", "container_memory_swap", "container_oom_events_total", "container_threads_max",
    }  # fmt: skip


def test_a_filesystem_is_told_only_of_what_writes_to_it() -> None:
    pod = values(dataclasses.replace(READING, layer_bytes=None))
    assert not pod.keys() & {"container_fs_usage_bytes", "container_fs_limit_bytes", "container_fs_inodes_free"}
    assert values(dataclasses.replace(READING, layer_bytes=0))["container_fs_usage_bytes"] == {("/dev/vda1",): 0}


@pytest.mark.parametrize("pids", [None, 7])
def test_threads_are_the_cgroups_count_or_a_sum(pids: int | None) -> None:
    account = dataclasses.replace(ACCOUNT, usage=dataclasses.replace(USAGE, pids=pids))
    expected = 99 if pids is None else 7
    assert values(dataclasses.replace(READING, account=account))["container_threads"] == {(): expected}


def test_limits_that_are_not_set_are_zero_and_a_quota_is_left_out() -> None:
    found = values(dataclasses.replace(READING, resources=LinuxContainerResources(cpu_quota=-1)))
    assert "container_spec_cpu_quota" not in found
    assert found["container_spec_memory_limit_bytes"] == {(): 0}
    odd = LinuxContainerResources(unified={"memory.min": "max"}, memory_limit_in_bytes=-1)
    found = values(dataclasses.replace(READING, resources=odd))
    assert found["container_spec_memory_reservation_limit_bytes"] == {(): 0}
    assert found["container_spec_memory_limit_bytes"] == {(): 0}, "unlimited is 0, and no number below it fits"
