"""A pod's network, IPC and UTS namespaces, without a process in them. Interfaces but loopback are CNI's."""

from collections.abc import Mapping

from orlop.model.pod import PinnedNamespaces, PodSandboxConfig


class Namespaces:
    """Pins namespaces below <state_dir>/pods/<id>/ns/."""

    def __init__(self, state_dir: str, *, default_sysctls: Mapping[str, str] | None = None) -> None:
        raise NotImplementedError

    def paths(self, pod_id: str, config: PodSandboxConfig) -> PinnedNamespaces:
        """Where the namespaces of such a pod are (or will be) pinned: a record can be written before they exist."""
        raise NotImplementedError

    async def create(self, pod_id: str, config: PodSandboxConfig) -> PinnedNamespaces:
        """Make the namespaces that the pod does not share with the node: host name set, loopback up, sysctls written.

        Raises InvalidArgument naming a sysctl or field; then nothing is left.
        """
        raise NotImplementedError

    async def remove(self, pod_id: str) -> None:
        """Drop them; those that are not there are fine. Raises OSError when one cannot be unmounted."""
        raise NotImplementedError
