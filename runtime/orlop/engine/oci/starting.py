"""The start of a container that runc has created, without a process for it.

Its first process waits until the fifo in its record is opened for reading, and writes a byte before it runs the
container's program; `runc start` opens, reads and removes the fifo, and does nothing else unless there are poststart
hooks (runc, libcontainer/container_linux.go, since 1.0). That there is no fifo any more is how runc knows that it
runs. crun's fifo is written by its start and not read: it is told apart by its record, which has another name.
"""

import asyncio
import os
import stat

from orlop.linux.files import read_text_or

TIME_LIMIT = 2.0
"""Seconds for the byte. `create` may have returned just before the process opens the fifo; it needs microseconds."""


async def let_go(record: str) -> bool:
    """Start the container with this directory as its record in runc.

    False, with nothing done, where that cannot be done here or nobody waits; `start` does it then, or tells why not.
    """
    state = read_text_or(os.path.join(record, "state.json"), "")
    if not state or '"poststart":[' in state:
        return False
    fifo = os.path.join(record, "exec.fifo")
    try:
        fd = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        if not stat.S_ISFIFO(os.fstat(fd).st_mode) or not await _read_byte(fd):
            return False
    finally:
        os.close(fd)
    os.unlink(fifo)
    return True


async def _read_byte(fd: int) -> bytes:
    """What the other end writes; empty when it does not within TIME_LIMIT, or has ended."""
    if data := _read_now(fd):
        return data
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(fd, readable.set)
    try:
        async with asyncio.timeout(TIME_LIMIT):
            await readable.wait()
    except TimeoutError:
        pass  # it may have come at this very moment
    finally:
        loop.remove_reader(fd)
    return _read_now(fd)


def _read_now(fd: int) -> bytes:
    """Empty: nothing yet, or nobody has it open for writing."""
    try:
        return os.read(fd, 1)
    except BlockingIOError:
        return b""
