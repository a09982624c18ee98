"""EROFS images mounted from files (Linux 6.12, CONFIG_EROFS_FS_BACKED_BY_FILE): no loop device, read-only.

What is in an image is the storage's business.
"""

import os

from orlop.linux import syscalls

_STRING_LIMIT = 255
_ATTRIBUTES = syscalls.MOUNT_ATTR_RDONLY | syscalls.MOUNT_ATTR_NOSUID | syscalls.MOUNT_ATTR_NODEV


def mount_image(path: str, target: str) -> None:
    """Mount an image file on a directory, with nosuid and nodev. OSError where this kernel cannot.

    An overlay over it has its own view of set-uid programs and devices.
    """
    image = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        source = path if len(os.fsencode(path)) <= _STRING_LIMIT else f"/proc/thread-self/fd/{image}"
        _mount(source, target)
    finally:
        os.close(image)


def _mount(source: str, target: str) -> None:
    fs = syscalls.fsopen("erofs")
    try:
        syscalls.fsconfig_string(fs, "source", source)
        syscalls.fsconfig_flag(fs, "ro")
        syscalls.fsconfig_create(fs)
        mount = syscalls.fsmount(fs, _ATTRIBUTES)
        try:
            syscalls.move_mount(mount, target)
        finally:
            os.close(mount)
    except OSError as error:
        raise OSError(error.errno, f"erofs of {source}: {error.strerror}", target) from error
    finally:
        os.close(fs)
