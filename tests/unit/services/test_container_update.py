"""Merging of limits: what is not set stays."""

from orlop.model.resources import LinuxContainerResources
from orlop.services.container_update import merged


def test_only_what_is_set_changes():
    old = LinuxContainerResources(cpu_shares=512, memory_limit_in_bytes=1 << 20, oom_score_adj=900, cpuset_cpus="0")
    new = LinuxContainerResources(cpu_quota=5000, memory_limit_in_bytes=2 << 20)
    assert merged(old, new) == LinuxContainerResources(
        cpu_shares=512, cpu_quota=5000, memory_limit_in_bytes=2 << 20, oom_score_adj=900, cpuset_cpus="0"
    )
