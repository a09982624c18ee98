"""HostFacts read from the kernel, once at start. What an OCI runtime can do is in `runtime`."""

from orlop.engine.oci.inputs import HostFacts


def gather(
    *, cgroup_version: int, cgroup_root: str = "/sys/fs/cgroup", proc: str = "/proc", sys: str = "/sys"
) -> HostFacts:
    """Read what the machine offers."""
    raise NotImplementedError
