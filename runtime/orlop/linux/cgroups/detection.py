"""Which cgroup version this node has. Everything else is in v1.py and v2.py."""

from orlop.linux.cgroups.hierarchy import Hierarchy


def detect(root: str = "/sys/fs/cgroup") -> Hierarchy:
    """The hierarchy mounted at root: v2 when root is cgroup2, else v1 (also hybrid). OSError ENODEV when there is none."""
    raise NotImplementedError
