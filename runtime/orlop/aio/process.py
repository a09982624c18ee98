"""Start programs: run one to its end, or start one and keep it. Awaiting children is in aio/reaper.py.

No shell is ever involved. The program gets its own session, /dev/null where nothing else is given, and no descriptors but
those named.
"""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that ended."""

    argv: tuple[str, ...]
    returncode: int
    """Exit status, or minus the signal's number."""
    stdout: bytes
    stderr: bytes


class CommandError(Exception):
    """A program failed: command, status or signal, last lines of stderr."""

    def __init__(
        self, argv: Sequence[str], returncode: int | None, stderr: bytes = b"", *, stdout: bytes = b"", reason: str = ""
    ) -> None:
        super().__init__(argv, returncode, stderr)
        self.argv = tuple(argv)
        self.returncode = returncode
        self.stderr = stderr
        self.stdout = stdout
        self.reason = reason


class CommandTimeout(CommandError, TimeoutError):
    """A program did not end in time and was killed with its process group."""


class Process:
    """A program that runs."""

    pid: int
    argv: tuple[str, ...]

    async def wait(self) -> int:
        """Exit status, or minus the signal's number."""
        raise NotImplementedError

    def kill(self, signo: int = signal.SIGKILL) -> None:
        """Signal the process and, when it has a session of its own, its group. Ended already is fine."""
        raise NotImplementedError


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
    raise NotImplementedError


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
    """Run a program to its end. CommandError when it fails (with `check`) or writes more than `limit` bytes to a stream.

    After `timeout` seconds its process group is killed: CommandTimeout. Cancellation kills the group too. Output of
    grandchildren that outlive the program is not awaited.
    """
    raise NotImplementedError
