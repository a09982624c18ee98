"""The pipes between us and a conmon that is being born: it waits for a byte, and answers with one line of JSON."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import msgspec

from orlop.aio.process import Process, start
from orlop.model.errors import OrlopError

ANSWER_LIMIT = 1 << 16
"""Far above what conmon sends: 8191 bytes of message, escaped."""


class Answer(msgspec.Struct):
    """The line. A pid below 1 is failure; message is then what the OCI runtime wrote to stderr."""

    pid: int = -1
    message: str = ""


class Handshake:
    """Start pipe, sync pipe and conmon's own stderr, for one creation."""

    def __init__(self) -> None:
        self._fds: set[int] = set()
        try:
            self._start_read, self._start_write = self._pipe()
            self._sync_read, self._sync_write = self._pipe()
            self._errors_read, self._errors_write = self._pipe()
        except OSError:  # too many open files: none may stay open for it
            self._close(*self._fds)
            raise

    def spawn(self, argv: Sequence[str], *, cwd: str, env: Mapping[str, str]) -> Process:
        """Start conmon; it waits until go()."""
        pipes = {"_OCI_STARTPIPE": str(self._start_read), "_OCI_SYNCPIPE": str(self._sync_write)}
        try:
            process = start(
                argv,
                stderr=self._errors_write,
                cwd=cwd,
                env={**env, **pipes},
                pass_fds=(self._start_read, self._sync_write),
            )
        except OSError as error:
            raise OrlopError(f"cannot run {argv[0]}: {error.strerror}") from error
        self._close(self._start_read, self._sync_write, self._errors_write)
        return process

    def go(self) -> None:
        """Let conmon start the OCI runtime."""
        try:
            os.write(self._start_write, b"\0")
        except BrokenPipeError:
            pass  # it died: answer() will tell

    async def answer(self, explain: Callable[[str], OrlopError]) -> int:
        """The pid of the container's first process, or the error that `explain` makes of the runtime's words.

        End of file without an answer is failure: old versions close the pipe silently when the runtime says nothing.
        """
        line = await _read_line(self._sync_read)
        if not line:
            words = _read_now(self._errors_read).decode(errors="replace").strip()
            raise explain(words or "conmon ended without an answer")
        try:
            # The message is escaped by hand and not always UTF-8.
            answer = msgspec.json.decode(line.decode(errors="replace"), type=Answer, strict=False)
        except msgspec.DecodeError:
            answer = Answer(message=line.decode(errors="replace"))
        if answer.pid < 1:
            raise explain(answer.message or "conmon created no process")
        return answer.pid

    def _pipe(self) -> tuple[int, int]:
        pipe = os.pipe2(os.O_CLOEXEC)
        self._fds.update(pipe)
        return pipe

    def _close(self, *fds: int) -> None:
        for fd in fds:
            self._fds.remove(fd)
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close(*self._fds)


async def _read_line(fd: int) -> bytes:
    """Up to the first newline, end of file, or ANSWER_LIMIT."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    data = bytearray()

    def readable() -> None:
        chunk = os.read(fd, 4096)
        data.extend(chunk)
        if not done.done() and (not chunk or b"\n" in chunk or len(data) >= ANSWER_LIMIT):
            done.set_result(None)

    loop.add_reader(fd, readable)
    try:
        await done
    finally:
        loop.remove_reader(fd)
    return bytes(data)


def _read_now(fd: int) -> bytes:
    """What waits in a pipe."""
    os.set_blocking(fd, False)
    try:
        return os.read(fd, ANSWER_LIMIT)
    except BlockingIOError:
        return b""
