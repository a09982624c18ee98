"""Host side of a container's mounts: sources found, links resolved, propagation checked.

The entries of the spec are made in `mounts`; image volumes become a mounted host path before they come here.
"""

import contextlib
import os
from collections.abc import Sequence

from orlop.engine.oci.inputs import ResolvedMount
from orlop.linux.mounts import propagation_of
from orlop.model.container import ContainerConfig, Mount
from orlop.model.enums import MountPropagation
from orlop.model.errors import FailedPrecondition, InvalidArgument, Unsupported
from orlop.model.pod import PodRecord
from orlop.model.security import UserNamespace

MOUNT_OPTIONS = frozenset(
    "dev nodev exec noexec suid nosuid atime noatime diratime nodiratime relatime norelatime strictatime "
    "nostrictatime nosymfollow".split()
)
"""Options that a mount may carry besides those that have fields of their own: what a bind mount can change."""


def pod_mounts(pod: PodRecord, config: ContainerConfig) -> tuple[ResolvedMount, ...]:
    """The pod's resolv.conf, hostname and shm (from pod.run_dir) that exist; with host IPC the node's shm."""
    readonly = config.linux.security_context.readonly_rootfs
    mapped = bool(pod.namespaces.user)
    files = {"/etc/resolv.conf": "resolv.conf", "/etc/hostname": "hostname"}
    found = [
        ResolvedMount(container_path=path, host_path=source, readonly=readonly, idmapped=mapped)
        for path, source in ((path, os.path.join(pod.run_dir, name)) for path, name in files.items())
        if os.path.exists(source)
    ]
    shm = os.path.join(pod.run_dir, "shm") if pod.namespaces.ipc else "/dev/shm"
    if os.path.isdir(shm):
        found.append(ResolvedMount(container_path="/dev/shm", host_path=shm, idmapped=mapped))
    return tuple(found)


def resolve_mounts(
    mounts: Sequence[Mount], *, recursive_read_only: bool, userns: UserNamespace | None = None
) -> tuple[ResolvedMount, ...]:
    """Resolve and check what the kubelet asks for. recursive_read_only: whether the OCI runtime can do such mounts.

    userns is the pod's user namespace: mappings of a mount must be its own.
    Raises InvalidArgument, Unsupported or FailedPrecondition, naming the container path and the host path.
    """
    return tuple(_resolve(mount, recursive_read_only, userns) for mount in mounts)


def _resolve(mount: Mount, recursive_read_only: bool, userns: UserNamespace | None) -> ResolvedMount:
    label = f"mount at {mount.container_path!r}"
    if "\0" in mount.container_path + mount.host_path:
        raise InvalidArgument(f"{label}: a path holds a NUL byte")
    if not mount.container_path.startswith("/") or os.path.normpath(mount.container_path) in ("/", "//"):
        raise InvalidArgument(f"{label}: container_path must be an absolute path below the root")
    if not os.path.isabs(mount.host_path):
        raise InvalidArgument(f"{label}: host_path must be absolute, not {mount.host_path!r}")
    if unknown := [option for option in mount.mount_options if option not in MOUNT_OPTIONS]:
        raise InvalidArgument(f"{label}: mount option {unknown[0]!r} is not allowed")
    _check_read_only(mount, label, recursive_read_only)
    idmapped = _idmapped(mount, label, userns)
    source = _source(mount.host_path, label)
    _check_propagation(mount.propagation, source, label)
    return ResolvedMount(
        container_path=mount.container_path,
        host_path=source,
        readonly=mount.readonly,
        recursive_read_only=mount.recursive_read_only,
        propagation=mount.propagation,
        options=mount.mount_options,
        idmapped=idmapped,
    )


def _idmapped(mount: Mount, label: str, userns: UserNamespace | None) -> bool:
    """Whether owners are to be mapped (KEP-127). No other mapping than the pod's makes sense in its namespace."""
    if userns is not None and mount.propagation is MountPropagation.PROPAGATION_BIDIRECTIONAL:
        raise InvalidArgument(f"{label}: nothing is propagated to the node out of a user namespace")
    if not mount.uid_mappings and not mount.gid_mappings:
        return False
    if userns is None:
        raise InvalidArgument(f"{label}: uidMappings or gidMappings are set, but the pod has no user namespace")
    if (mount.uid_mappings, mount.gid_mappings) != (userns.uids, userns.gids):
        raise InvalidArgument(f"{label}: uidMappings and gidMappings must be those of the pod's user namespace")
    return True


def _source(host_path: str, label: str) -> str:
    """The real place of a mount's source. A missing one is made, as the field's runtimes do.

    The CRI asks for an error, but cluster add-ons count on a directory: kube-proxy mounts /lib/modules from every
    machine, also from one whose kernel has no modules. What must exist is said by the type of a hostPath volume,
    which the kubelet checks.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            return os.path.realpath(host_path, strict=True)
        source = os.path.realpath(host_path)
        os.makedirs(source, mode=0o755, exist_ok=True)
        return source
    except OSError as error:
        raise InvalidArgument(f"{label}: cannot use host path {host_path!r}: {error.strerror}") from error


def _check_read_only(mount: Mount, label: str, supported: bool) -> None:
    """KEP-3857: recursive read-only is read-only and private, and never silently less."""
    if not mount.recursive_read_only:
        return
    if not mount.readonly:
        raise InvalidArgument(f"{label}: recursive_read_only needs readonly")
    if mount.propagation is not MountPropagation.PROPAGATION_PRIVATE:
        raise InvalidArgument(f"{label}: recursive_read_only needs private propagation, not {mount.propagation.name}")
    if not supported:
        raise Unsupported(f"{label}: the OCI runtime cannot make recursive read-only mounts")


def _check_propagation(propagation: MountPropagation, source: str, label: str) -> None:
    """Propagation works only as far as the mount that holds the source takes part in it (mount_namespaces(7))."""
    if propagation is MountPropagation.PROPAGATION_PRIVATE:
        return
    mountpoint, fields = propagation_of(source)
    shared = any(field.startswith("shared:") for field in fields)
    if propagation is MountPropagation.PROPAGATION_BIDIRECTIONAL and not shared:
        raise FailedPrecondition(
            f"{label}: bidirectional propagation needs a shared mount, but {source!r} is on {mountpoint!r}, "
            f"which is not shared (mount --make-rshared {mountpoint})"
        )
    if not shared and not any(field.startswith("master:") for field in fields):
        raise FailedPrecondition(
            f"{label}: propagation from the host needs a shared or slave mount, but {source!r} is on {mountpoint!r}, "
            f"which is private (mount --make-rshared {mountpoint})"
        )
