"""Device nodes of the host: those that the CRI names, and all of them for privileged containers."""

from orlop.engine.oci.inputs import ResolvedDevice
from orlop.model.container import ContainerConfig


def devices_for(
    config: ContainerConfig, *, all_when_privileged: bool = True, dev: str = "/dev"
) -> tuple[ResolvedDevice, ...]:
    """The devices that this container's spec needs. Raises InvalidArgument naming a device that does not exist."""
    raise NotImplementedError
