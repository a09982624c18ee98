"""A root filesystem as an ext4 image in a file, for runtimes that take block devices (virtual machines).

The file is sparse: it takes what the image takes, and what the container writes. mke2fs(8) fills it from the mounted
overlay, with owners, modes and extended attributes, so that each container pays for a copy of its image.
"""

import os
import shutil

from orlop.aio.process import CommandError, run
from orlop.aio.threads import offload
from orlop.model.errors import FailedPrecondition, ResourceExhausted

NAME = "root.ext4"
COUNTED = "root.blocks"
"""How much the file took when it was made: more than that is what the container has written."""
_BLOCK = 512
"""Bytes in stat's count (stat(2))."""
_OPTIONS = ("-q", "-F", "-t", "ext4", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard")


async def make(source: str, home: str, size: int, time_limit: float) -> str:
    """Make <home>/root.ext4 of so many bytes with all that is in `source`; returns its path. One there is replaced.

    Raises FailedPrecondition without mke2fs, ResourceExhausted where it does not fit or the disk is full.
    """
    path = os.path.join(home, NAME)
    await offload(_make_sparse, path, size)
    program = shutil.which("mke2fs", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        raise FailedPrecondition("mke2fs is not installed (package e2fsprogs): a block root needs it")
    try:
        await run([program, *_OPTIONS, "-d", source, path], timeout=time_limit)
    except CommandError as error:
        raise ResourceExhausted(f"cannot make a block root of {size} bytes: {error}") from error
    await offload(_count, path, os.path.join(home, COUNTED))
    return path


def written(home: str) -> int | None:
    """Bytes that the file takes more than when it was made; None where the root is no block device."""
    try:
        with open(os.path.join(home, COUNTED), "rb") as file:
            at_first = int(file.read(20))
        return max(0, os.stat(os.path.join(home, NAME)).st_blocks * _BLOCK - at_first)
    except FileNotFoundError:
        return None


def _make_sparse(path: str, size: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.ftruncate(fd, size)
    finally:
        os.close(fd)


def _count(path: str, counted: str) -> None:
    with open(counted, "wb") as file:
        file.write(b"%d" % (os.stat(path).st_blocks * _BLOCK))
