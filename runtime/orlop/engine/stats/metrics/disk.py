"""Metrics of the writable layer, its filesystem, and block devices."""

from collections.abc import Callable

from orlop.engine.stats.metrics.family import Family, Sample
from orlop.engine.stats.metrics.reading import Disk, Reading
from orlop.linux.block_devices import device_name
from orlop.linux.cgroups.account import DeviceIo
from orlop.model.enums import MetricType


def _filesystem(name: str, help_text: str, read: Callable[[Reading, Disk], int | None]) -> Family:
    def samples(reading: Reading) -> list[Sample]:
        # The filesystem is the writable layer's: what has no such layer is not told of it.
        if reading.disk is None or reading.layer_bytes is None:
            return []
        return [(read(reading, reading.disk), (reading.disk.device,))]

    return Family(name, help_text, MetricType.GAUGE, ("device",), samples)


def _devices(name: str, help_text: str, read: Callable[[DeviceIo], int]) -> Family:
    def samples(reading: Reading) -> list[Sample]:
        devices = reading.account.devices if reading.account else ()
        return [(read(io), (device_name(io.device),)) for io in devices]

    return Family(name, help_text, MetricType.COUNTER, ("device",), samples)


def _blkio(reading: Reading) -> list[Sample]:
    found: list[Sample] = []
    for io in reading.account.devices if reading.account else ():
        major, _, minor = io.device.partition(":")
        where = (device_name(io.device), major, minor)
        found += [(io.read_bytes, (*where, "Read")), (io.written_bytes, (*where, "Write"))]
    return found


FAMILIES: tuple[Family, ...] = (
    _filesystem("container_fs_usage_bytes", "Bytes of the writable layer.", lambda reading, _: reading.layer_bytes),
    _filesystem("container_fs_limit_bytes", "Bytes of the filesystem that holds the writable layer.",
                lambda _, disk: disk.usage.total),
    _filesystem("container_fs_inodes_free", "Free inodes of the filesystem that holds the writable layer.",
                lambda _, disk: disk.usage.inodes - disk.usage.inodes_used),
    _filesystem("container_fs_inodes_total", "Inodes of the filesystem that holds the writable layer.",
                lambda _, disk: disk.usage.inodes),
    _devices("container_fs_reads_bytes_total", "Bytes read from a device.", lambda io: io.read_bytes),
    _devices("container_fs_reads_total", "Reads from a device.", lambda io: io.reads),
    _devices("container_fs_writes_bytes_total", "Bytes written to a device.", lambda io: io.written_bytes),
    _devices("container_fs_writes_total", "Writes to a device.", lambda io: io.writes),
    Family("container_blkio_device_usage_total", "Bytes moved to and from a device.", MetricType.COUNTER,
           ("device", "major", "minor", "operation"), _blkio),
)  # fmt: skip
