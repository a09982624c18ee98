"""Device nodes of the host: those that the CRI names, and all of them for privileged containers."""

import os
import stat
from collections.abc import Iterator

from orlop.engine.oci.inputs import ResolvedDevice
from orlop.model.container import ContainerConfig, Device
from orlop.model.errors import InvalidArgument

# Filled by the container's own mounts, or linked to them by the OCI runtime.
_CONTAINERS_OWN = frozenset(("pts", "shm", "fd", "mqueue", "hugepages", "console", "ptmx"))


def devices_for(
    config: ContainerConfig, *, all_when_privileged: bool = True, dev: str = "/dev"
) -> tuple[ResolvedDevice, ...]:
    """The devices that this container's spec needs. Raises InvalidArgument naming a device that does not exist."""
    found: dict[str, ResolvedDevice] = {}
    if config.linux.security_context.privileged and all_when_privileged:
        found |= {device.path: device for device in _all_below(dev)}
    for wanted in config.devices:
        found |= {device.path: device for device in _resolve(wanted)}
    return tuple(found.values())


def _all_below(dev: str) -> Iterator[ResolvedDevice]:
    for name in sorted(os.listdir(dev)):
        if name not in _CONTAINERS_OWN:
            yield from _nodes(os.path.join(dev, name), f"/dev/{name}", "rwm")


def _resolve(wanted: Device) -> list[ResolvedDevice]:
    access = wanted.permissions or "rwm"
    if "\0" in wanted.host_path + wanted.container_path:
        raise InvalidArgument(f"device {wanted.host_path!r}: a path holds a NUL byte")
    if set(access) - set("rwm"):
        raise InvalidArgument(f'device {wanted.host_path!r}: permissions must be of "rwm", not {access!r}')
    path = wanted.container_path or wanted.host_path
    if not path.startswith("/"):
        raise InvalidArgument(f"device {wanted.host_path!r}: container_path must be absolute, not {path!r}")
    try:
        source = os.path.realpath(wanted.host_path, strict=True)
    except OSError as error:
        raise InvalidArgument(f"device {wanted.host_path!r} cannot be used: {error.strerror}") from error
    found = list(_nodes(source, os.path.normpath(path), access))
    if not found and not os.path.isdir(source):
        raise InvalidArgument(f"device {wanted.host_path!r} is neither a device node nor a directory of them")
    return found


def _nodes(source: str, path: str, access: str) -> Iterator[ResolvedDevice]:
    """The node at source, or those in the directory there. Links inside a directory are not followed: they may loop."""
    try:
        info = os.lstat(source)
        names = sorted(os.listdir(source)) if stat.S_ISDIR(info.st_mode) else []
    except FileNotFoundError:
        return  # unplugged meanwhile
    for name in names:
        yield from _nodes(os.path.join(source, name), os.path.join(path, name), access)
    if stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
        yield ResolvedDevice(
            path=path,
            host_path=source,
            kind="c" if stat.S_ISCHR(info.st_mode) else "b",
            major=os.major(info.st_rdev),
            minor=os.minor(info.st_rdev),
            mode=stat.S_IMODE(info.st_mode),
            uid=info.st_uid,
            gid=info.st_gid,
            access=access,
        )
