"""The one place where children are awaited (waitpid(2)). Starting them is in aio/process.py.

The process is made a child subreaper (PR_SET_CHILD_SUBREAPER(2const)): what daemonises below it, such as conmon or a
detached exec, becomes its child and is reaped here. Nobody else in the process may wait for children: of two waiters
one loses the status.
"""

import asyncio
import errno
import os
import signal
from collections import OrderedDict
from typing import Self
from weakref import WeakKeyDictionary

from orlop.linux import processes, syscalls

KEPT = 4096
"""Statuses of ended children that are kept for a wait that comes later."""

_reapers: "WeakKeyDictionary[asyncio.AbstractEventLoop, Reaper]" = WeakKeyDictionary()


class Reaper:
    """Waits for all children of this process on one event loop: by SIGCHLD, or outside the main thread by pidfds."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._ended: OrderedDict[int, tuple[int | None, int]] = OrderedDict()
        syscalls.set_child_subreaper()
        try:
            asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)
            self._signalled = True
        except (RuntimeError, ValueError):
            self._signalled = False  # not the main thread: signals cannot be handled here
            return
        self._reap()  # whatever ended before the handler was there

    @classmethod
    def current(cls) -> Self:
        """The running loop's reaper; made at the first call, gone with the loop."""
        loop = asyncio.get_running_loop()
        reaper = _reapers.get(loop)
        if not isinstance(reaper, cls):
            reaper = _reapers[loop] = cls()
        return reaper

    def expect(self, pid: int) -> asyncio.Future[int]:
        """The end of a child that has just been started. Must be called before the loop runs again."""
        self._ended.pop(pid, None)  # an earlier process with this pid
        return self._await(pid)

    async def wait(self, pid: int, start: int | None = None) -> int:
        """Exit status of a child, or minus the number of the signal that killed it.

        Works also after it has been reaped.

        Raises ChildProcessError when it is not (and was not lately) a child of ours; see wait_foreign. `start` (clock
        ticks) guards against another process with the same pid.
        """
        if _is_child(pid, start):
            future = self._waiting.get(pid) or self._await(pid)
            self._reap_now(pid)
            return await asyncio.shield(future)
        # Not a child, or no longer: a status that is kept is not that of a later process with this pid.
        status = self._kept(pid, start)
        if status is None:
            raise ChildProcessError(errno.ECHILD, "not a child of this process", f"/proc/{pid}")
        return status

    async def wait_foreign(self, pid: int, start: int) -> int | None:
        """Return when a process that need not be our child has ended.

        Its status when it turned out to be ours, else None.
        """
        try:
            return await self.wait(pid, start)
        except ChildProcessError:
            pass  # the usual case here
        try:
            fd = processes.open_pidfd(pid, start)
        except ProcessLookupError:
            return self._kept(pid, start)
        try:
            await _readable(fd)
        finally:
            os.close(fd)
        # Its parent may have ended before it: then it has become our child, and this is its zombie.
        self._reap_now(pid)
        return self._kept(pid, start)

    def close(self) -> None:
        """Stop waiting and adopting. A loop that is just closed stops the waiting, but the process goes on adopting."""
        syscalls.set_child_subreaper(False)
        if self._signalled:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)
        for future in self._waiting.values():
            future.cancel()
        self._waiting.clear()
        _reapers.pop(asyncio.get_running_loop(), None)

    def _kept(self, pid: int, start: int | None) -> int | None:
        known_start, status = self._ended.get(pid, (None, None))
        return None if start is not None and known_start not in (None, start) else status

    def _await(self, pid: int) -> asyncio.Future[int]:
        loop = asyncio.get_running_loop()
        future = self._waiting[pid] = loop.create_future()
        if not self._signalled:
            fd = os.pidfd_open(pid)
            loop.add_reader(fd, self._reap_now, pid)
            future.add_done_callback(lambda _: _forget(loop, fd))
        return future

    def _reap_now(self, pid: int) -> None:
        """Reap one child if it has ended; it not being a child is fine."""
        try:
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                self._collect(pid)
        except ChildProcessError:
            pass  # reaped before, or another's

    def _reap(self) -> None:
        """Reap every child that has ended: one SIGCHLD may stand for many."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            self._collect(ended.si_pid)

    def _collect(self, pid: int) -> None:
        # Only looked at so far: a zombie still has its start time, which tells it from a later process with its pid.
        try:
            start: int | None = processes.start_time(pid)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        except (ChildProcessError, ProcessLookupError):
            return  # somebody waited against the rule above
        self._ended[pid] = (start, status)
        self._ended.move_to_end(pid)
        if len(self._ended) > KEPT:
            self._ended.popitem(last=False)
        future = self._waiting.pop(pid, None)
        if future is not None and not future.done():
            future.set_result(status)


def _is_child(pid: int, start: int | None) -> bool:
    """Whether a process, or its zombie, is a child of ours now."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return start is None or processes.start_time(pid) == start
    except (ChildProcessError, ProcessLookupError):
        return False


def _forget(loop: asyncio.AbstractEventLoop, fd: int) -> None:
    loop.remove_reader(fd)
    os.close(fd)


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(fd, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(fd)
