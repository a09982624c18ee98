"""Commands with a client at the other end: pipes or a terminal between the two. ExecSync's collecting is in `exec`.

A terminal's master comes from the OCI runtime over a console socket (SCM_RIGHTS) that lives as long as the start.
"""

import asyncio
import fcntl
import os
import socket
import struct
import tempfile
import termios
from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import msgspec

from orlop.aio.descriptors import Reader, write_all
from orlop.aio.duplex import Client, OutputName, Size
from orlop.aio.reaper import Reaper
from orlop.engine.oci.exec import GRACE, ExecTarget, abandon, began_at, exec_detached
from orlop.engine.oci.inputs import Spec
from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.linux.files import remove_tree
from orlop.model.errors import Unavailable


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which streams the client wants. With a terminal there is no stderr."""

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False


@dataclass(kw_only=True)
class _Ends:
    """Our ends of a running command."""

    pid: int = 0
    stdin: int = -1
    outputs: dict[OutputName, Reader] = field(default_factory=dict)
    terminal: int = -1

    def close_stdin(self) -> None:
        """End the command's input. Again is fine."""
        if self.stdin >= 0:
            os.close(self.stdin)
        self.stdin = -1


async def exec_session(
    target: ExecTarget, process: Spec, client: Client, wanted: Wanted, *, reaper: Reaper, hierarchy: Hierarchy
) -> int:
    """Run a command for a client to its end; its exit code, 128 + n when signal n ended it.

    All output that was written before the end reaches the client first. When cancelled, the command is killed with its
    descendants.
    """
    with ExitStack() as owned:
        start = _on_terminal if wanted.tty else _on_pipes
        ends = await start(target, process, wanted, owned)
        began = began_at(ends.pid)
        try:
            status = await _serve(ends, client, reaper.wait(ends.pid, began))
        except BaseException:
            # Shielded: whoever is cancelled twice must not leave it running either.
            await asyncio.shield(asyncio.ensure_future(abandon(target, ends.pid, began, reaper, hierarchy)))
            raise
        return status if status >= 0 else 128 - status


async def _serve(ends: _Ends, client: Client, ended: Coroutine[Any, Any, int]) -> int:
    async with asyncio.TaskGroup() as group:
        inputs = [group.create_task(_resize(ends.terminal, client))] if ends.terminal >= 0 else []
        if ends.stdin >= 0:
            inputs.append(group.create_task(_feed(ends, client)))
        outputs = [group.create_task(_show(reader, client, name)) for name, reader in ends.outputs.items()]
        status = await ended
        for reader in ends.outputs.values():
            reader.expect_end(GRACE)  # a daemonised grandchild may keep it open for ever
        for output in outputs:
            await output
        for task in inputs:
            task.cancel()
    return status


async def _show(reader: Reader, client: Client, name: OutputName) -> None:
    while data := await reader.read():
        await client.write(name, data)


async def _feed(ends: _Ends, client: Client) -> None:
    """The client's input until it ends; then the command's input ends too, unless it is a terminal."""
    reads = True
    while data := await client.read():
        if reads:
            try:
                await write_all(ends.stdin, data)
            except OSError:
                reads = False  # the command reads no more: what still comes is thrown away, so that nothing stalls
    if ends.terminal < 0:
        ends.close_stdin()


async def _resize(terminal: int, client: Client) -> None:
    while size := await client.resized():
        set_size(terminal, size)


def set_size(terminal: int, size: Size) -> None:
    """TIOCSWINSZ (ioctl_tty(2)); the foreground program gets SIGWINCH."""
    bounded = [max(0, min(value, 0xFFFF)) for value in (size.height, size.width)]
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *bounded, 0, 0))


async def _on_pipes(target: ExecTarget, process: Spec, wanted: Wanted, owned: ExitStack) -> _Ends:
    ends = _Ends()
    owned.callback(ends.close_stdin)
    with ExitStack() as theirs:
        stdin: int | None = None
        if wanted.stdin:
            stdin, ends.stdin = os.pipe2(os.O_CLOEXEC)
            theirs.callback(os.close, stdin)
            os.set_blocking(ends.stdin, False)

        def output(name: OutputName) -> int:
            ours, given = os.pipe2(os.O_CLOEXEC)
            owned.callback(os.close, ours)
            theirs.callback(os.close, given)
            ends.outputs[name] = Reader(ours)
            return given

        stdout = output("stdout") if wanted.stdout else None
        stderr = output("stderr") if wanted.stderr else None
        ends.pid = await exec_detached(target, process, stdin=stdin, stdout=stdout, stderr=stderr)
    return ends


async def _on_terminal(target: ExecTarget, process: Spec, wanted: Wanted, owned: ExitStack) -> _Ends:
    work = tempfile.mkdtemp(prefix="console-", dir=target.run_dir)
    with ExitStack() as starting:
        starting.callback(remove_tree, work)
        directory = os.open(work, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        starting.callback(os.close, directory)
        # By our descriptor: a socket's path may have 107 bytes, and the container's directory alone may be longer.
        path = f"/proc/{os.getpid()}/fd/{directory}/socket"
        listener = starting.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(path)
        listener.listen(1)
        listener.setblocking(False)
        pid = await exec_detached(target, process, console_socket=path)
        began = began_at(pid)
        try:
            master = _receive(listener)
        except OSError as error:
            if began is not None:
                await abandon(target, pid, began, Reaper.current(), None)
            name = target.runtime.name
            raise Unavailable(f"{name} did not send the terminal of {process['args'][0]!r}: {error}") from error
    owned.callback(os.close, master)
    os.set_blocking(master, False)
    outputs: dict[OutputName, Reader] = {"stdout": Reader(master)}
    # Read even if nobody wants it: a terminal that is full stops its program.
    return _Ends(pid=pid, stdin=master if wanted.stdin else -1, outputs=outputs, terminal=master)


def _receive(listener: socket.socket) -> int:
    """The terminal's master. The runtime has ended, so whatever it sent waits here already."""
    connection, _ = listener.accept()
    with connection:
        connection.setblocking(False)
        _, descriptors, _, _ = socket.recv_fds(connection, 4096, 1)
    if not descriptors:
        raise OSError("no descriptor came")
    os.set_inheritable(descriptors[0], False)
    return descriptors[0]
