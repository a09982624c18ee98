"""The one place where children are awaited (waitpid(2)). Starting them is in aio/process.py.

The process is made a child subreaper (PR_SET_CHILD_SUBREAPER(2const)): what daemonises below it, such as conmon or a
detached exec, becomes its child and is reaped here.
"""

from typing import Self


class Reaper:
    """Waits for all children of this process on one event loop."""

    @classmethod
    def current(cls) -> Self:
        """The running loop's reaper; made at the first call, gone with the loop."""
        raise NotImplementedError

    async def wait(self, pid: int, start: int | None = None) -> int:
        """Exit status of a child, or minus the number of the signal that killed it. Works also after it has been reaped.

        Raises ChildProcessError when it is not (and was not lately) a child of ours; see wait_foreign. `start` (clock
        ticks) guards against an earlier process with the same pid.
        """
        raise NotImplementedError

    async def wait_foreign(self, pid: int, start: int) -> int | None:
        """Return when a process that need not be our child has ended. The status, when it turned out to be ours, else None."""
        raise NotImplementedError
