"""Where a pod's containers and monitors live in the cgroup tree, under both drivers. Limits are not written here."""

from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.model.enums import CgroupDriver


class PodCgroups:
    """Paths below the cgroup root, and the pod cgroups that we make ourselves.

    `parent` is always the pod's cgroup_parent as the request gave it (PodRecord.cgroup_parent); empty is our own default.
    """

    def __init__(self, hierarchy: Hierarchy, driver: CgroupDriver, *, state_dir: str, default_parent: str = "") -> None:
        raise NotImplementedError

    def check(self, parent: str) -> None:
        """Raises InvalidArgument when a parent does not fit the driver."""
        raise NotImplementedError

    def pod_path(self, pod_id: str, parent: str) -> str:
        """The pod's cgroup."""
        raise NotImplementedError

    def container_path(self, pod_id: str, parent: str, container_id: str) -> str:
        """A container's cgroup."""
        raise NotImplementedError

    def oci_path(self, pod_id: str, parent: str, container_id: str) -> str:
        """The same as the OCI runtime wants it in linux.cgroupsPath: "slice:orlop:<id>" for the systemd driver."""
        raise NotImplementedError

    async def create(self, pod_id: str, parent: str) -> str:
        """Make the pod's cgroup if it is missing, and keep in mind (across restarts) that we did. Returns its path."""
        raise NotImplementedError

    async def remove(self, pod_id: str, parent: str) -> None:
        """Remove the pod's cgroup if we made it. Its containers must be gone. Not there is fine."""
        raise NotImplementedError
