"""What the metrics of one container or pod are made from: readings, already taken. Taking them is in gather.py."""

import msgspec

from orlop.engine.stats.interfaces import Interface
from orlop.linux.cgroups.account import CgroupAccount
from orlop.linux.fsinfo import FilesystemUsage
from orlop.linux.process_figures import ProcessFigures
from orlop.model.resources import LinuxContainerResources


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """The filesystem that holds writable layers."""

    device: str
    usage: FilesystemUsage


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """None or empty: not known, or not of this object (a pod has no writable layer, a container no interfaces)."""

    now_ns: int
    account: CgroupAccount | None = None
    processes: ProcessFigures | None = None
    open_files_limit: int | None = None
    layer_bytes: int | None = None
    disk: Disk | None = None
    resources: LinuxContainerResources | None = None
    started_ns: int = 0
    interfaces: tuple[Interface, ...] = ()
