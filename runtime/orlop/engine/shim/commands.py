"""Commands in a container of a shim: added, started, waited for and deleted, with fifos of their own in between."""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from orlop.aio.descriptors import Reader, write_all
from orlop.aio.duplex import Client, OutputName
from orlop.aio.threads import offload
from orlop.engine.shim.fifos import Fifos
from orlop.engine.shim.task import TaskService
from orlop.linux.files import remove_tree
from orlop.model.errors import TimedOut
from orlop.ttrpc.errors import Disconnected, StatusError

STREAM_LIMIT = 16 << 20
"""Bytes of each stream that a command without a client keeps."""
GRACE = 0.1
"""Seconds that a stream may stay open after the command's end: for a daemonised grandchild it is not waited longer."""
KILL_LIMIT = 5.0
"""Seconds to await a killed command."""
THAWING = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between tries while the container is frozen."""
SIGKILL = 9


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a command is to run."""

    shim: TaskService
    container_id: str
    bundle: str
    kill_tree: Callable[[int], Awaitable[None]]
    """Kills a command (by its pid as the shim tells it) with all that it started, as far as the node sees them."""


@dataclass(kw_only=True)
class _Running:
    place: Place
    exec_id: str
    fifos: Fifos
    pid: int
    over: bool = False
    """Whether its end was seen."""

    async def status(self) -> int:
        """Wait for the end; 128 + n when signal n ended it."""
        code = (await self.place.shim.wait(self.place.container_id, self.exec_id)).code
        self.over = True
        return code


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What a command left."""

    exit_code: int
    stdout: bytes
    stderr: bytes


async def collect(place: Place, process: bytes, name: str, timeout: float) -> Output:
    """Run a command (a runtime-spec Process as JSON) to its end. After so many seconds (0: never) TimedOut."""
    kept: dict[OutputName, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
    try:
        async with asyncio.timeout(timeout or None), _running(place, process) as command:
            readers = command.fifos.readers
            tasks = [asyncio.create_task(_keep(reader, kept[name])) for name, reader in readers.items()]
            code = await _ended(command, tasks, readers)
    except TimeoutError as error:
        raise TimedOut(f"command {name!r} did not end within {timeout:g} s and was killed") from error
    return Output(exit_code=code, stdout=bytes(kept["stdout"]), stderr=bytes(kept["stderr"]))


async def serve(
    place: Place, process: bytes, client: Client, *, stdin: bool, outputs: tuple[OutputName, ...], terminal: bool
) -> int:
    """Run a command for a client; its exit code. All output reaches the client first. Cancelled, it is killed."""
    async with _running(place, process, stdin=stdin, outputs=outputs, terminal=terminal) as command:
        inputs = [asyncio.create_task(_resize(command, client))] if terminal else []
        if stdin:
            inputs.append(asyncio.create_task(_feed(command, client, ends=not terminal)))
        readers = command.fifos.readers
        tasks = [asyncio.create_task(_show(reader, client, name)) for name, reader in readers.items()]
        try:
            return await _ended(command, tasks, readers)
        finally:
            await _cancel(inputs)


async def _ended(command: _Running, tasks: "list[asyncio.Task[None]]", readers: dict[OutputName, Reader]) -> int:
    """Await the command's end and then that of its streams; a stream that fails ends the wait with its error."""
    waiting = asyncio.create_task(command.status())
    try:
        left = {waiting, *tasks}
        while not waiting.done():
            done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        for reader in readers.values():
            reader.expect_end(GRACE)
        for task in tasks:
            await task
        return waiting.result()
    finally:
        await _cancel([waiting, *tasks])


@asynccontextmanager
async def _running(
    place: Place,
    process: bytes,
    *,
    stdin: bool = False,
    outputs: tuple[OutputName, ...] = ("stdout", "stderr"),
    terminal: bool = False,
) -> AsyncIterator[_Running]:
    """A started command. Whatever happens inside, it has ended and is forgotten afterwards."""
    exec_id = secrets.token_hex(16)
    directory = os.path.join(place.bundle, f"exec-{exec_id}")
    os.mkdir(directory, 0o700)
    try:
        fifos = Fifos.open(directory, stdin=stdin, outputs=outputs, terminal=terminal)
        try:
            # Not to be left half started: a caller that goes away meanwhile is followed by the clean-up below.
            command = _Running(place=place, exec_id=exec_id, fifos=fifos, pid=0)
            starting = asyncio.create_task(_start(place, exec_id, fifos, process))
            try:
                command.pid = await asyncio.shield(starting)
                yield command
            finally:
                await asyncio.shield(asyncio.create_task(_forget(command, starting)))
        finally:
            fifos.close()
    finally:
        await offload(remove_tree, directory)


async def _start(place: Place, exec_id: str, fifos: Fifos, process: bytes) -> int:
    for pause in (*THAWING, None):
        await place.shim.exec(place.container_id, exec_id, fifos.streams, process)
        try:
            return await place.shim.start(place.container_id, exec_id)
        except StatusError as error:
            if pause is None or "paused" not in str(error):
                raise
        # Another command of the container is being killed, and the cgroup is frozen for that moment.
        with contextlib.suppress(StatusError):
            await place.shim.delete(place.container_id, exec_id)
        await asyncio.sleep(pause)
    raise AssertionError("the last try returns or raises")


async def _forget(command: _Running, starting: "asyncio.Task[int]") -> None:
    """End the command if it runs, and have the shim forget it. What cannot be done goes with the container.

    What runs is not deleted: runc's shim would refuse, and gVisor's would wait for its end.
    """
    place, exec_id = command.place, command.exec_id
    await asyncio.wait([starting])
    with contextlib.suppress(StatusError, Disconnected, TimeoutError):
        pid = 0 if starting.exception() else starting.result()
        if pid and not command.over:
            await place.kill_tree(pid)
            with contextlib.suppress(StatusError):
                await place.shim.kill(place.container_id, SIGKILL, exec_id=exec_id)
            async with asyncio.timeout(KILL_LIMIT):
                await place.shim.wait(place.container_id, exec_id)
        await place.shim.delete(place.container_id, exec_id)


async def _keep(reader: Reader, kept: bytearray) -> None:
    while data := await reader.read():
        if room := STREAM_LIMIT - len(kept):
            kept += data[:room]


async def _show(reader: Reader, client: Client, name: OutputName) -> None:
    while data := await reader.read():
        await client.write(name, data)


async def _feed(command: _Running, client: Client, *, ends: bool) -> None:
    while data := await client.read():
        await write_all(command.fifos.stdin, data)
    if ends:
        command.fifos.close_stdin()
        with contextlib.suppress(StatusError, Disconnected):  # it has ended
            await command.place.shim.close_stdin(command.place.container_id, command.exec_id)


async def _resize(command: _Running, client: Client) -> None:
    while size := await client.resized():
        with contextlib.suppress(StatusError, Disconnected):  # it has ended
            await command.place.shim.resize(command.place.container_id, command.exec_id, size.width, size.height)


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
