"""Files that a pod's containers share: resolv.conf, hostname and /dev/shm. Mounting them into containers is elsewhere."""

from orlop.model.pod import PodSandboxConfig


class PodFiles:
    """Keeps them in <state_dir>/pods/<id>/: resolv.conf, hostname, shm."""

    def __init__(self, state_dir: str, *, shm_size: int = 64 << 20, host_resolv_conf: str = "/etc/resolv.conf") -> None:
        raise NotImplementedError

    def run_dir(self, pod_id: str) -> str:
        """The pod's volatile directory (PodRecord.run_dir)."""
        raise NotImplementedError

    async def create(self, pod_id: str, config: PodSandboxConfig) -> str:
        """Write the files and mount the shm (not for pods with the node's IPC). Returns the directory.

        Raises InvalidArgument naming a bad field of dns_config or hostname. What exists already is replaced.
        """
        raise NotImplementedError

    async def remove(self, pod_id: str) -> None:
        """Unmount and delete the whole directory; not there is fine. Namespaces must have been removed before."""
        raise NotImplementedError
