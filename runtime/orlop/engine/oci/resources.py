"""The spec's linux.resources from the CRI's resources; also the body of an update."""

from orlop.engine.oci.inputs import HostFacts, Spec
from orlop.model.resources import LinuxContainerResources


def linux_resources(resources: LinuxContainerResources, facts: HostFacts, *, pids_limit: int = -1) -> Spec:
    """cpu, memory, hugepageLimits, pids and unified; devices are in `devices`."""
    raise NotImplementedError
