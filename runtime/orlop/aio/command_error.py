"""The error of a program that failed. Starting programs is in process.py, which also offers these names."""

import shlex
import signal
from collections.abc import Sequence

_COMMAND_CHARS = 240
_STDERR_LINES = 5
_STDERR_CHARS = 1500


class CommandError(Exception):
    """A program failed. As text: command, exit status or signal, last lines of stderr."""

    def __init__(
        self, argv: Sequence[str], returncode: int | None, stderr: bytes = b"", *, stdout: bytes = b"", reason: str = ""
    ) -> None:
        super().__init__(tuple(argv), returncode, stderr)
        self.argv = tuple(argv)
        self.returncode = returncode
        """Exit status, or minus the signal's number; None when it did not end by itself."""
        self.stderr = stderr
        self.stdout = stdout
        self.reason = reason
        """What went wrong besides the status: time limit, too much output."""

    def __str__(self) -> str:
        text = f"{shown_command(self.argv)}: {self.reason or describe_status(self.returncode)}"
        tail = self.stderr_tail()
        return f"{text}: {tail}" if tail else text

    def stderr_tail(self) -> str:
        """The last lines of stderr that are not empty, control characters made visible."""
        lines = [line.strip() for line in self.stderr[-4 * _STDERR_CHARS :].decode(errors="replace").splitlines()]
        tail = " | ".join(line for line in [line for line in lines if line][-_STDERR_LINES:])
        tail = "".join(char if char.isprintable() else repr(char)[1:-1] for char in tail)
        return tail if len(tail) <= _STDERR_CHARS else f"…{tail[-_STDERR_CHARS:]}"


class CommandTimeout(CommandError, TimeoutError):
    """A program did not end in time and was killed with its process group."""


def shown_command(argv: Sequence[str]) -> str:
    """The command ready to paste into a shell; the middle of a long one left out."""
    text = shlex.join(argv)
    half = _COMMAND_CHARS // 2
    return text if len(text) <= _COMMAND_CHARS else f"{text[:half]} … {text[-half:]}"


def describe_status(returncode: int | None) -> str:
    """ "exit status 3" or "killed by SIGKILL"."""
    if returncode is None:
        return "did not end"
    if returncode >= 0:
        return f"exit status {returncode}"
    try:
        return f"killed by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"killed by signal {-returncode}"
