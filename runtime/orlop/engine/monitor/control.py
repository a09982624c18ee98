"""Talking to a running conmon: its control fifo and its attach socket."""

import asyncio
import errno
import os

from orlop.aio.watching import DirectoryWatch
from orlop.linux.inotify import IN_MOVED_TO, IN_ONLYDIR
from orlop.model.errors import FailedPrecondition, NotFound, TimedOut

_RESIZE, _REOPEN = 1, 2


async def reopen_log(bundle: str, log_path: str, *, timeout: float = 10.0) -> None:
    """Have the log file opened anew, after it was renamed, and wait for it. FailedPrecondition if conmon is gone.

    A log that was not renamed stays as it is: conmon would replace the file, and its lines would be lost.
    """
    if _has_lines(log_path):
        return
    directory, name = os.path.split(log_path)
    try:
        watch = DirectoryWatch(directory, IN_MOVED_TO | IN_ONLYDIR)
    except FileNotFoundError as error:
        raise NotFound(f"the log directory {directory!r} does not exist") from error
    with watch:
        _send(bundle, f"{_REOPEN} 0 0\n")
        try:
            async with asyncio.timeout(timeout):
                # conmon opens "<log>.tmp" and renames it.
                async for event in watch:
                    if event.name == name:
                        return
        except TimeoutError as error:
            raise TimedOut(f"conmon did not reopen {log_path!r} within {timeout:g} s") from error
    raise NotFound(f"the log directory {directory!r} has gone away")


def resize_terminal(bundle: str, *, width: int, height: int) -> None:
    """Set the size of the container's terminal. Raises FailedPrecondition if conmon is gone."""
    _send(bundle, f"{_RESIZE} {height} {width}\n")


def attach_socket(socket_dir: str, container_id: str) -> str:
    """Path of the container's attach socket (SOCK_SEQPACKET).

    To us each packet is one byte (2: stdout, 3: stderr) and the data; from us it is plain stdin, ended by shutdown(2).
    """
    return os.path.join(socket_dir, container_id, "attach")


def _send(bundle: str, line: str) -> None:
    """Lines are far below PIPE_BUF, so that writers never mix."""
    try:
        # A fifo without a reader must not block us: ENXIO says that conmon is dead.
        fd = os.open(os.path.join(bundle, "ctl"), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(fd, line.encode())
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENOENT, errno.EPIPE):
            raise FailedPrecondition("the container's monitor (conmon) is not running") from error
        raise


def _has_lines(path: str) -> bool:
    try:
        return os.stat(path).st_size > 0
    except FileNotFoundError:
        return False
