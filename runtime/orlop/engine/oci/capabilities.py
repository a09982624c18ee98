"""Capability sets (capabilities(7)) of a container's process."""

from orlop.engine.oci.inputs import HostFacts, Spec, SpecSettings
from orlop.model.security import LinuxContainerSecurityContext


def granted(context: LinuxContainerSecurityContext, settings: SpecSettings, facts: HostFacts) -> frozenset[str]:
    """Names with "CAP_" that the container's bounding set holds."""
    raise NotImplementedError


def capability_sets(context: LinuxContainerSecurityContext, settings: SpecSettings, facts: HostFacts) -> Spec:
    """The spec's process.capabilities."""
    raise NotImplementedError
