"""Volumes whose owners are mapped into the pod's user namespace, whatever the OCI runtime can do itself.

A mapped copy of each mount is put into the bundle while the container is created, and is the source of its bind mount;
the container then has its own copy and the staged one goes.
"""

import errno
import os
from collections.abc import Sequence
from dataclasses import replace

from orlop.engine.oci.inputs import ResolvedMount
from orlop.linux import mounts
from orlop.linux.files import ensure_file, remove_tree
from orlop.linux.fsinfo import filesystem_type
from orlop.model.errors import Unsupported

_UNMAPPABLE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)
"""What mount_setattr(2) says of filesystems and mounts that cannot be mapped."""


def stage(volumes: Sequence[ResolvedMount], userns: str, directory: str) -> tuple[ResolvedMount, ...]:
    """The volumes, of which those that want a mapping have a staged source below `directory` now.

    Raises Unsupported naming a mount whose filesystem cannot be mapped; `unstage` takes down what is there then.
    """
    if not any(volume.idmapped for volume in volumes):
        return tuple(volumes)
    os.makedirs(directory, mode=0o711, exist_ok=True)
    userns_fd = os.open(userns, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return tuple(
            replace(volume, host_path=_staged(volume, userns_fd, f"{directory}/{number}"))
            if volume.idmapped
            else volume
            for number, volume in enumerate(volumes)
        )
    finally:
        os.close(userns_fd)


def unstage(directory: str) -> None:
    """Take down what is staged; nothing there is fine."""
    if os.path.isdir(directory):
        mounts.unmount_below(directory)
        remove_tree(directory)


def _staged(volume: ResolvedMount, userns_fd: int, path: str) -> str:
    if os.path.isdir(volume.host_path):
        os.mkdir(path)
    else:
        ensure_file(path)
    try:
        mounts.bind(volume.host_path, path, recursive=True, idmap_fd=userns_fd)
    except OSError as error:
        if error.errno not in _UNMAPPABLE:
            raise
        raise Unsupported(
            f"mount at {volume.container_path!r}: {volume.host_path!r} cannot be mapped into the pod's user namespace: "
            f"the kernel has no idmapped mounts of its filesystem ({filesystem_type(volume.host_path)}), or one below"
        ) from error
    return path
