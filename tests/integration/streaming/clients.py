"""crictl as the client of streams: to its end, in the background, and on a terminal."""

import contextlib
import os
import pty
import select
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.parts.tools import tool

LIMIT = 60.0


class Crictl:
    """Starts crictl's processes, and ends what is left of them."""

    def __init__(self, socket: str, directory: Path) -> None:
        # An empty file: the machine's own /etc/crictl.yaml is not read.
        config = directory / "crictl.yaml"
        config.write_text("")
        self._argv = [tool("crictl"), "--config", str(config), "--runtime-endpoint", f"unix://{socket}"]
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                with contextlib.suppress(OSError):
                    if stream:
                        stream.close()

    def run(self, *words: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        """Run a command to its end, whatever its exit code."""
        return subprocess.run([*self._argv, *words], input=stdin, capture_output=True, check=False, timeout=LIMIT)

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start a command; its streams are pipes."""
        pipe = subprocess.PIPE
        process = subprocess.Popen([*self._argv, *words], stdin=pipe, stdout=pipe, stderr=pipe)
        self._running.append(process)
        return process

    def on_terminal(self, *words: str) -> "Terminal":
        """Start a command on a terminal of its own."""
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [*self._argv, *words], stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self._running.append(process)
        return Terminal(master, process)


class Terminal:
    """A terminal with crictl on it; close it by `with`."""

    def __init__(self, master: int, process: "subprocess.Popen[bytes]") -> None:
        self.master = master
        self.process = process
        self.seen = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.master)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.master, text.encode())

    def until(self, text: str, *, seconds: float = 10.0) -> bytes:
        """Read the screen until the text is there; what was read, with it."""
        deadline = time.monotonic() + seconds
        while text.encode() not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{text!r} is not on the screen: {self.seen!r}"
            try:
                self.seen += os.read(self.master, 65536)
            except OSError as error:
                raise AssertionError(f"the terminal has ended without {text!r}: {self.seen!r}") from error
        at = self.seen.index(text.encode()) + len(text)
        before, self.seen = self.seen[:at], self.seen[at:]
        return before


def read_until(process: "subprocess.Popen[bytes]", text: bytes, *, seconds: float = 10.0) -> bytes:
    """Read a command's output until the text is in it."""
    assert process.stdout
    seen = b""
    deadline = time.monotonic() + seconds
    while text not in seen:
        ready, _, _ = select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"{text!r} did not come: {seen!r}"
        piece = os.read(process.stdout.fileno(), 65536)
        assert piece, f"the command has ended without {text!r}: {seen!r}"
        seen += piece
    return seen
