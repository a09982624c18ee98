"""Which cgroup a monitor lives in. Making and removing cgroups is the sandbox's."""


def monitor_cgroup(pod_cgroup: str, configured: str = "pod") -> str:
    """The cgroup for monitors of a pod, below the hierarchy's root."""
    raise NotImplementedError
