"""The spec's linux.resources from the CRI's resources; also the body of an update. Device rules are in `devices`."""

from orlop.engine.oci.inputs import HostFacts, Spec
from orlop.model.errors import InvalidArgument, OrlopError
from orlop.model.resources import LinuxContainerResources


def linux_resources(resources: LinuxContainerResources, facts: HostFacts, *, pids_limit: int = -1) -> Spec:
    """cpu, memory, hugepageLimits, pids and unified, as far as set. The OCI runtime converts them for cgroup v2."""
    if resources.unified and facts.cgroup_version != 2:
        raise InvalidArgument("resources.unified is set, but this node has cgroup v1")
    part: Spec = {}
    if cpu := _cpu(resources):
        part["cpu"] = cpu
    if memory := _memory(resources, facts):
        part["memory"] = memory
    if hugepages := _hugepages(resources, facts):
        part["hugepageLimits"] = hugepages
    if pids_limit > 0:
        part["pids"] = {"limit": pids_limit}
    if resources.unified:
        part["unified"] = dict(resources.unified)
    return part


def without_no_quota(limits: Spec) -> Spec:
    """The same without a CPU quota below 0, which means none: what a new cgroup has anyway.

    crun 1.8.1 writes -1 as an unsigned number, and cgroup v1's cpu.cfs_quota_us refuses that with ERANGE.
    """
    cpu = limits.get("cpu", {})
    if cpu.get("quota", 0) >= 0:
        return limits
    rest = {key: value for key, value in cpu.items() if key != "quota"}
    return {key: rest if key == "cpu" else value for key, value in limits.items() if rest or key != "cpu"}


def refuses_no_quota(limits: Spec, error: OrlopError) -> bool:
    """Whether an OCI runtime failed to take a quota away. Others must be told of it: runc keeps limits for later."""
    return limits.get("cpu", {}).get("quota", 0) < 0 and "cpu.cfs_quota_us" in str(error)


def _cpu(resources: LinuxContainerResources) -> Spec:
    values = {
        "shares": resources.cpu_shares,
        "quota": resources.cpu_quota,
        "period": resources.cpu_period,
        "cpus": resources.cpuset_cpus,
        "mems": resources.cpuset_mems,
    }
    return {key: value for key, value in values.items() if value}


def _memory(resources: LinuxContainerResources, facts: HostFacts) -> Spec:
    limit = resources.memory_limit_in_bytes
    if not limit:
        return {}
    if not facts.swap_accounting:
        return {"limit": limit}
    # Memory and swap together: without a word about swap a limited container gets none.
    return {"limit": limit, "swap": resources.memory_swap_limit_in_bytes or limit}


def _hugepages(resources: LinuxContainerResources, facts: HostFacts) -> list[Spec]:
    """The kubelet lists every size of the node; a size that no controller limits can only be left out."""
    return [
        {"pageSize": item.page_size, "limit": item.limit}
        for item in resources.hugepage_limits
        if item.page_size in facts.hugepage_sizes
    ]
