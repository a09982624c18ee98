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
from orlop.model.errors import TimedOut

TIME_LIMIT = 2.0
"""Seconds for the process to open the fifo, where `create` has returned just before it does."""
WRITE_LIMIT = 60.0
"""Seconds for its byte, once it has: microseconds, unless it is frozen or starved."""


async def let_go(record: str) -> bool:
    """Start the container with this directory as its record in runc.

    False, with nothing done, where that cannot be done here or nobody waits; `start` does it then, or tells why not.
    Raises TimedOut.
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
        if not stat.S_ISFIFO(os.fstat(fd).st_mode):
            return False
        found = _read_now(fd)
        if found == b"" and await _readable(fd, TIME_LIMIT):
            found = _read_now(fd)
        if found == b"":
            return False
        # At once: a daemon that dies between the process's byte and this line would take it for not started.
        os.unlink(fifo)
        if found is None and not await _readable(fd, WRITE_LIMIT):
            raise TimedOut(f"its first process has not gone on within {WRITE_LIMIT:g} s")
    finally:
        os.close(fd)
    return True


async def _readable(fd: int, limit: float) -> bool:
    """Wait so many seconds for what the other end writes."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(fd, readable.set)
    try:
        async with asyncio.timeout(limit):
            await readable.wait()
    except TimeoutError:
        pass
    finally:
        loop.remove_reader(fd)
    return readable.is_set()


def _read_now(fd: int) -> bytes | None:
    """None: nothing yet, but somebody has it open, or waits in open(2), for writing. Empty: nobody has."""
    try:
        return os.read(fd, 1)
    except BlockingIOError:
        return None
