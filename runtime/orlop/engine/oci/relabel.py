"""Volumes that get the label of the container that uses them (CRI, Mount.selinux_relabel)."""

import errno
import logging
import os

from orlop.model.errors import InvalidArgument

log = logging.getLogger(__name__)

ATTRIBUTE = "security.selinux"
PROTECTED = frozenset(
    "/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr "
    "/usr/bin /usr/lib /usr/lib64 /usr/libexec /usr/local /usr/sbin /usr/share /var /var/cache /var/lib "
    "/var/lib/kubelet /var/lib/kubelet/pods /var/log /var/run /var/spool /var/tmp".split()
)
"""With another label than their own the node would not work any more."""


def relabel(path: str, label: str) -> None:
    """Label a file, or a directory with all that is below it on the same filesystem.

    Symbolic links are labelled themselves: a container that swaps directories meanwhile leads nowhere else. A
    filesystem that keeps no labels (NFS, one mounted with a label, a read-only one) stays as it is. Raises
    InvalidArgument for a directory of the node's own.
    """
    if path in PROTECTED:
        raise InvalidArgument(f"selinux_relabel: {path} is the node's own and cannot be relabelled")
    try:
        _set(path, label)
        if os.path.isdir(path):
            _set_below(path, label)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EROFS):
            raise
        log.debug("%s keeps no labels: %s", path, error)


def _set_below(path: str, label: str) -> None:
    device = os.stat(path).st_dev
    for _, directories, files, fd in os.fwalk(path, follow_symlinks=False):
        for name in [*directories, *files]:
            try:
                _set(f"/proc/self/fd/{fd}/{name}", label)
            except FileNotFoundError:
                continue  # removed meanwhile
        directories[:] = [name for name in directories if _on(device, name, fd)]


def _on(device: int, name: str, fd: int) -> bool:
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False).st_dev == device
    except FileNotFoundError:
        return False


def _set(path: str, label: str) -> None:
    """A label that is there already is not written again: it would cost a write to the disk."""
    value = label.encode() + b"\0"
    try:
        if os.getxattr(path, ATTRIBUTE, follow_symlinks=False) == value:
            return
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
    os.setxattr(path, ATTRIBUTE, value, follow_symlinks=False)
