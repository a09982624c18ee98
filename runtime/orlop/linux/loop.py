"""Loop devices (loop(4)): a file as a block device, which goes by itself when its last user has closed it."""

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager

_GET_FREE = 0x4C82
_CONFIGURE = 0x4C0A
_AUTOCLEAR = 4
_TRIES = 20

# struct loop_config: the file, a block size (0: the kernel's choice), struct loop_info64, and what is reserved.
_CONFIG = struct.Struct("=II" + "QQQQQIIII64s64s32sQQ" + "8Q")


@contextmanager
def attached(path: str) -> Iterator[str]:
    """The device of a file, such as /dev/loop3. It is kept inside of the block; whoever opens it there keeps it longer.

    Raises OSError naming the file: without loop devices, or when all are taken.
    """
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        device, name = _configured(file, path)
    except OSError as error:
        raise OSError(error.errno, f"loop device: {error.strerror}", path) from error
    finally:
        os.close(file)
    try:
        yield name
    finally:
        os.close(device)


def _configured(file: int, path: str) -> tuple[int, str]:
    config = _CONFIG.pack(
        *(file, 0),
        *(0, 0, 0, 0, 0, 0, 0, 0, _AUTOCLEAR, os.fsencode(path)[:63], b"", b"", 0, 0),
        *(0, 0, 0, 0, 0, 0, 0, 0),
    )
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        for _ in range(_TRIES):
            name = f"/dev/loop{fcntl.ioctl(control, _GET_FREE)}"
            device = os.open(name, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.ioctl(device, _CONFIGURE, config)
                return device, name
            except OSError as error:
                os.close(device)
                if error.errno != errno.EBUSY:  # somebody else was faster
                    raise
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
    finally:
        os.close(control)
