"""Start programs: run one to its end, or start one and keep it. Awaiting children is in aio/reaper.py.

No shell is ever involved. The program gets its own session, /dev/null where nothing else is given, and no descriptors
but those named. It is started by vfork(2), whatever this process's size.
"""

import asyncio
import logging
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing

import msgspec

from orlop.aio.command_error import CommandError as CommandError
from orlop.aio.command_error import CommandTimeout as CommandTimeout
from orlop.aio.command_error import shown_command
from orlop.aio.pipes import InputPipe, OutputPipe
from orlop.aio.reaper import Reaper

log = logging.getLogger(__name__)

GRACE = 0.1
"""Seconds that output is still read after the program's end while something holds the pipe open."""

KILL_LIMIT = 5.0
"""Seconds to await a killed program. Longer means uninterruptible sleep: the reaper gets it when it ends."""


class Finished(msgspec.Struct, frozen=True):
    """A program that ended."""

    argv: tuple[str, ...]
    returncode: int
    """Exit status, or minus the signal's number."""
    stdout: bytes
    stderr: bytes


class Process:
    """A program that runs."""

    def __init__(self, pid: int, argv: tuple[str, ...], ended: asyncio.Future[int], *, own_session: bool) -> None:
        self.pid = pid
        self.argv = argv
        self._ended = ended
        self._own_session = own_session

    @property
    def returncode(self) -> int | None:
        """Exit status, or minus the signal's number; None while it runs."""
        return self._ended.result() if self._ended.done() and not self._ended.cancelled() else None

    async def wait(self) -> int:
        """Exit status, or minus the signal's number."""
        return await asyncio.shield(self._ended)

    def kill(self, signo: int = signal.SIGKILL) -> None:
        """Signal the process and, when it has a session of its own, its group. Ended already is fine."""
        if self._ended.done():  # reaped: the pid may be another's
            return
        try:
            if self._own_session:
                os.killpg(self.pid, signo)
            else:
                os.kill(self.pid, signo)
        except ProcessLookupError:
            pass  # it ended; the reaper will tell


def start(
    argv: Sequence[str],
    *,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    pass_fds: Sequence[int] = (),
    new_session: bool = True,
) -> Process:
    """Start a program with the given descriptors (None is /dev/null). Must be called on the event loop.

    `pass_fds` keep their numbers in the child. OSError when the program or cwd is not there. The caller owns all
    descriptors that it gave.
    """
    reaper = Reaper.current()
    popen = subprocess.Popen(  # one vfork and exec of well under a millisecond: it may run on the loop
        argv,
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=subprocess.DEVNULL if stdout is None else stdout,
        stderr=subprocess.DEVNULL if stderr is None else stderr,
        env=env,
        cwd=cwd,
        pass_fds=pass_fds,
        start_new_session=new_session,
    )
    popen.returncode = 0  # the child is the reaper's from here on; Popen must never wait for it
    return Process(popen.pid, tuple(argv), reaper.expect(popen.pid), own_session=new_session)


async def run(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    timeout: float | None = None,
    pass_fds: Sequence[int] = (),
    limit: int = 1 << 20,
    check: bool = True,
) -> Finished:
    """Run a program to its end.

    CommandError when it fails (with `check`) or writes more than `limit` bytes to a stream.

    After `timeout` seconds its process group is killed: CommandTimeout. Cancellation kills the group too. Output of
    grandchildren that outlive the program is not awaited.
    """
    with ExitStack() as pipes:
        out = pipes.enter_context(closing(OutputPipe("stdout", limit)))
        err = pipes.enter_context(closing(OutputPipe("stderr", limit)))
        feed = pipes.enter_context(closing(InputPipe(stdin))) if stdin else None
        process = start(
            argv,
            stdin=feed.child_end if feed else None,
            stdout=out.child_end,
            stderr=err.child_end,
            env=env,
            cwd=cwd,
            pass_fds=pass_fds,
        )
        for pipe in (out, err):
            pipe.on_over_limit = process.kill
            pipe.begin()
        if feed:
            feed.begin()
        in_time = await _ended_in_time(process, timeout)
        await _drain(out, err)
    return _judge(process, out, err, timeout=None if in_time else timeout, check=check)


def _judge(process: Process, out: OutputPipe, err: OutputPipe, *, timeout: float | None, check: bool) -> Finished:
    stdout, stderr, status = bytes(out.data), bytes(err.data), process.returncode
    if timeout is not None:
        reason = f"did not end within {timeout:g} s and was killed"
        raise CommandTimeout(process.argv, status, stderr, stdout=stdout, reason=reason)
    for pipe in (out, err):
        if pipe.over_limit:
            reason = f"wrote more than {len(pipe.data)} bytes to {pipe.name} and was killed"
            raise CommandError(process.argv, status, stderr, stdout=stdout, reason=reason)
    if status is None or (check and status != 0):
        raise CommandError(process.argv, status, stderr, stdout=stdout)
    return Finished(process.argv, status, stdout, stderr)


async def _ended_in_time(process: Process, timeout: float | None) -> bool:
    """Await the program's end; at the time limit or when cancelled, kill it and await that end."""
    try:
        async with asyncio.timeout(timeout):
            await process.wait()
        return True
    except TimeoutError:
        await _kill(process)
        return False
    except asyncio.CancelledError:
        await _kill(process)
        raise


async def _kill(process: Process) -> None:
    """Kill the group and await the end, even if cancelled meanwhile."""
    process.kill()
    ending = asyncio.ensure_future(asyncio.wait_for(process.wait(), KILL_LIMIT))
    cancelled: asyncio.CancelledError | None = None
    while not ending.done():
        try:
            await asyncio.wait((ending,))
        except asyncio.CancelledError as error:
            cancelled = error
    if ending.exception() is not None:
        log.error("%s (pid %d) does not end after SIGKILL", shown_command(process.argv), process.pid)
    if cancelled is not None:
        raise cancelled


async def _drain(*pipes: OutputPipe) -> None:
    """Read what is left; a daemonised grandchild may hold the pipes open for ever."""
    for pipe in pipes:
        pipe.read()
    if all(pipe.ended.is_set() for pipe in pipes):
        return
    try:
        async with asyncio.timeout(GRACE):
            for pipe in pipes:
                await pipe.ended.wait()
    except TimeoutError:
        pass  # what came in time is the output
