"""Which cgroup version this node has. Everything else is in v1.py and v2.py."""

import errno
from collections.abc import Iterable

from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.linux.cgroups.v1 import LegacyHierarchy
from orlop.linux.cgroups.v2 import UnifiedHierarchy
from orlop.linux.mount_table import MountInfo, mount_table

# The tree of version 2 beside those of version 1, named as they name trees without a controller.
HYBRID = "name=cgroup2"
# Mount options of a v1 hierarchy that are not controllers.
_OPTIONS = {"rw", "ro", "xattr", "clone_children", "none", "noprefix", "cpuset_v2_mode", "favordynmods"}


def detect(root: str = "/sys/fs/cgroup") -> Hierarchy:
    """The hierarchy mounted at root: v2 when root is cgroup2, else v1 (also hybrid).

    OSError ENODEV when there is none.
    """
    return choose(root, mount_table())


def choose(root: str, table: Iterable[MountInfo]) -> Hierarchy:
    """The same from a given mount table."""
    root = root.rstrip("/")
    legacy: dict[str, str] = {}
    unified = False
    for entry in table:
        if entry.mountpoint == root:
            unified = entry.fstype == "cgroup2"  # a later mount covers an earlier one
        elif entry.fstype == "cgroup" and entry.mountpoint.startswith(f"{root}/"):
            legacy.update((name, entry.mountpoint) for name in controllers_of(entry))
        elif entry.fstype == "cgroup2" and entry.mountpoint.startswith(f"{root}/"):
            # A hybrid host: systemd knows by this tree which unit a process is of.
            legacy[HYBRID] = entry.mountpoint
    if unified:
        return UnifiedHierarchy(root)
    if legacy:
        return LegacyHierarchy(legacy)
    raise OSError(errno.ENODEV, "no cgroup hierarchy is mounted", root)


def controllers_of(entry: MountInfo) -> list[str]:
    """Controllers of a v1 mount, "name=…" for one without; release_agent=… is none."""
    return [
        option
        for option in entry.super_options
        if option not in _OPTIONS and ("=" not in option or option.startswith("name="))
    ]
