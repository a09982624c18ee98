"""Files that a pod's containers share: resolv.conf, hostname and /dev/shm. Mounting them there is not here."""

import errno
import os

from orlop.aio.threads import offload
from orlop.engine.sandbox.paths import pod_dir
from orlop.engine.sandbox.resolv import resolv_conf
from orlop.linux import mounts
from orlop.linux.files import ensure_dir, read_text_or, remove_tree, write_atomic
from orlop.model.enums import NamespaceMode
from orlop.model.errors import ResourceExhausted
from orlop.model.pod import PodSandboxConfig


class PodFiles:
    """Keeps them in <state_dir>/pods/<id>/: resolv.conf, hostname, shm."""

    def __init__(self, state_dir: str, *, shm_size: int = 64 << 20, host_resolv_conf: str = "/etc/resolv.conf") -> None:
        self._state_dir = state_dir
        self._shm_size = shm_size
        self._host_resolv_conf = host_resolv_conf

    def run_dir(self, pod_id: str) -> str:
        """The pod's volatile directory (PodRecord.run_dir)."""
        return pod_dir(self._state_dir, pod_id)

    async def create(self, pod_id: str, config: PodSandboxConfig, label: str = "") -> str:
        """Write the files and mount the shm (not for pods with the node's IPC). Returns the directory.

        With `label` they have it for SELinux.

        Raises InvalidArgument naming a bad field of dns_config. What exists already is replaced.
        """
        dns = config.dns_config
        # As CRI-O: a configuration that says nothing means the node's own, and so does none at all.
        asked = resolv_conf(dns) if dns is not None else ""
        try:
            await offload(self._make, pod_id, config, asked, label)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.ENOMEM, errno.EDQUOT):
                raise ResourceExhausted(f"no space for the pod's files in {self.run_dir(pod_id)}: {error}") from error
            raise
        return self.run_dir(pod_id)

    async def remove(self, pod_id: str) -> None:
        """Unmount and delete the whole directory; not there is fine. Namespaces must have been removed before."""
        await offload(self._remove, pod_id)

    def _make(self, pod_id: str, config: PodSandboxConfig, asked: str, label: str) -> None:
        directory = self.run_dir(pod_id)
        ensure_dir(directory)
        write_atomic(f"{directory}/resolv.conf", asked or read_text_or(self._host_resolv_conf, ""))
        options = config.linux.security_context.namespace_options
        default = os.uname().nodename if options.network is NamespaceMode.NODE else pod_id[:12]
        write_atomic(f"{directory}/hostname", f"{config.hostname or default}\n")
        if options.ipc is not NamespaceMode.NODE:
            self._mount_shm(f"{directory}/shm", label)
        if label:
            for name in ("resolv.conf", "hostname"):
                os.setxattr(f"{directory}/{name}", "security.selinux", label.encode() + b"\0")

    def _mount_shm(self, path: str, label: str) -> None:
        ensure_dir(path)
        mounts.unmount(path)  # one on top of another would be left behind
        mounts.tmpfs(path, size=self._shm_size, noexec=True, source="shm", context=label)

    def _remove(self, pod_id: str) -> None:
        directory = self.run_dir(pod_id)
        mounts.unmount(f"{directory}/shm")
        remove_tree(directory)
