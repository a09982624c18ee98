"""Resource limits as the kubelet sends them (CRI LinuxContainerResources). Conversion to cgroup files is not here."""

from orlop.model.base import Value


class HugepageLimit(Value):
    """Limit of one huge page size."""

    page_size: str = ""
    """For example "2MB" or "1GB"."""
    limit: int = 0
    """Bytes."""


class LinuxContainerResources(Value):
    """Limits of one container or pod. Zero means "not set"; the kubelet never means "zero" by it."""

    cpu_period: int = 0
    """Microseconds."""
    cpu_quota: int = 0
    """Microseconds per period; negative is unlimited."""
    cpu_shares: int = 0
    """cgroup v1 weight, 2 to 262144."""
    memory_limit_in_bytes: int = 0
    oom_score_adj: int = 0
    """-1000 to 1000. Unlike its neighbours zero is a value here."""
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    hugepage_limits: tuple[HugepageLimit, ...] = ()
    unified: dict[str, str] = {}
    """cgroup v2 file name to content."""
    memory_swap_limit_in_bytes: int = 0
    """Memory and swap together, as in cgroup v1's memory.memsw.limit_in_bytes."""
