"""The spec's mounts: the kernel's filesystems, the pod's files, the container's volumes.

Finding and checking the host side is in `volumes`.
"""

import posixpath

from orlop.engine.oci.devices import device_mounts
from orlop.engine.oci.inputs import ResolvedMount, Spec, SpecInputs
from orlop.model.enums import MountPropagation

_PROPAGATION = {
    MountPropagation.PROPAGATION_PRIVATE: "rprivate",
    MountPropagation.PROPAGATION_HOST_TO_CONTAINER: "rslave",
    MountPropagation.PROPAGATION_BIDIRECTIONAL: "rshared",
}

_SAFE = ["nosuid", "noexec", "nodev"]


def mounts(inputs: SpecInputs) -> list[Spec]:
    """The spec's mounts, parents before children. One that the kubelet asks for replaces ours at the same place."""
    wanted = {_normal(mount.container_path): mount for mount in inputs.mounts}
    part = [mount for mount in kernel_mounts(inputs) if not _replaced(mount["destination"], wanted)]
    part += [mount for mount in device_mounts(inputs) if mount["destination"] not in wanted]
    part += [volume(path, mount) for path, mount in wanted.items()]
    # The sort is stable: siblings keep the kubelet's order.
    return sorted(part, key=lambda mount: mount["destination"].count("/"))


def kernel_mounts(inputs: SpecInputs) -> list[Spec]:
    """proc, dev, devpts, mqueue, sysfs and cgroup; the last two writable for privileged containers only."""
    access = [] if inputs.config.linux.security_context.privileged else ["ro"]
    return [
        _mount("/proc", "proc", "proc", _SAFE),
        _mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _mount(
            "/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
        ),
        _mount("/dev/mqueue", "mqueue", "mqueue", _SAFE),
        _sysfs(inputs, access),
        _mount("/sys/fs/cgroup", "cgroup", "cgroup", [*_SAFE, "relatime", *access]),
    ]


def volume(path: str, mount: ResolvedMount) -> Spec:
    """A bind mount of a host path."""
    access = "rro" if mount.recursive_read_only else "ro" if mount.readonly else "rw"
    options = ["rbind", _PROPAGATION[mount.propagation], access, *mount.options]
    return _mount(path, "bind", mount.host_path, options)


def rootfs_propagation(inputs: SpecInputs) -> str:
    """linux.rootfsPropagation, the least that the volumes' propagation needs; empty leaves it to the OCI runtime."""
    asked = max((mount.propagation for mount in inputs.mounts), default=MountPropagation.PROPAGATION_PRIVATE)
    return "" if asked is MountPropagation.PROPAGATION_PRIVATE else _PROPAGATION[asked]


def _sysfs(inputs: SpecInputs, access: list[str]) -> Spec:
    pinned = inputs.pod.namespaces
    if pinned.user and not pinned.net:
        # A sysfs shows a network namespace. Only its owner may mount one, and that is not the pod's user namespace.
        return _mount("/sys", "bind", "/sys", ["rbind", "rprivate", *_SAFE, *access])
    return _mount("/sys", "sysfs", "sysfs", [*_SAFE, *access])


def _normal(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))  # normpath alone keeps two leading slashes


def _replaced(destination: str, wanted: dict[str, ResolvedMount]) -> bool:
    """A volume at the same place, or the node's own /dev in place of ours with all that we put below it."""
    return destination in wanted or ("/dev" in wanted and destination.startswith("/dev/"))


def _mount(destination: str, kind: str, source: str, options: list[str]) -> Spec:
    return {"destination": destination, "type": kind, "source": source, "options": options}
