"""Which cgroup a monitor lives in. Making and removing cgroups is the sandbox's."""

from orlop.linux.cgroups.slices import parent_path

PREFIX = "orlop-monitor"


def monitor_cgroup(pod_id: str, pod_cgroup: str, configured: str = "pod") -> str:
    """The cgroup for monitors of a pod, below the hierarchy's root: a leaf in the pod's, or in the configured one.

    A leaf, because in cgroup v2 a cgroup that hands controllers to its children, as a pod's or a slice does, holds no
    processes. One for each pod, also where pods share a parent: it goes with the pod.
    """
    parent = pod_cgroup.rstrip("/") if configured == "pod" else parent_path(configured)
    return f"{parent}/{PREFIX}-{pod_id}"
