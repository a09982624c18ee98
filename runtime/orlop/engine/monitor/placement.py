"""Which cgroup a monitor lives in. Making and removing cgroups is the sandbox's."""

from orlop.linux.cgroups.slices import parent_path

LEAF = "orlop-monitor"


def monitor_cgroup(pod_cgroup: str, configured: str = "pod") -> str:
    """The cgroup for monitors of a pod, below the hierarchy's root: one leaf in the pod, or the configured one.

    A leaf, because in cgroup v2 a cgroup that hands controllers to its children, as a pod's does, holds no processes.
    One for all monitors of the pod: they come and go with its containers and are limited with them.
    """
    return f"{pod_cgroup.rstrip('/')}/{LEAF}" if configured == "pod" else parent_path(configured)
