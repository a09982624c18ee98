"""Commands run inside a container by the OCI runtime's `exec --detach`: the daemon, as subreaper, is their parent.

Descriptors go straight to the command; there is no monitor and no log in between. Terminals of interactive sessions
come through a console socket that the caller listens on.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import msgspec

from orlop.aio.process import start
from orlop.aio.reaper import Reaper
from orlop.aio.threads import offload
from orlop.engine.oci.failures import runtime_error
from orlop.engine.oci.inputs import Spec
from orlop.engine.oci.killing import kill_tree
from orlop.engine.oci.runtime import OciRuntime
from orlop.engine.oci.streams import CappedPipe
from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.linux.files import read_text, read_text_or, remove_tree, write_atomic
from orlop.linux.processes import start_time
from orlop.model.errors import TimedOut, Unavailable

STREAM_LIMIT = 16 << 20
"""Bytes of each stream that exec_sync keeps."""

GRACE = 0.1
"""Seconds that a stream may stay open after the command's end: for a daemonised grandchild it is not waited longer."""

KILL_LIMIT = 5.0
"""Seconds to await a killed command."""


THAWING = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between tries while the container is frozen."""


@dataclass(frozen=True, kw_only=True)
class ExecTarget:
    """Where a command is to run."""

    runtime: OciRuntime
    container_id: str
    run_dir: str
    """A volatile directory of the container, for files that live as long as the runtime's command."""
    cgroup: str = ""
    """The container's cgroup below the hierarchy's root, frozen while a timed-out command's descendants are killed."""
    moving: Callable[[], AbstractContextManager[None]] = nullcontext
    """Entered while the runtime starts the command and moves it to the container's cgroup (ReadyMoves.held)."""


@dataclass(frozen=True, kw_only=True)
class ExecResult:
    """What a command left."""

    exit_code: int
    """128 + n when signal n ended it."""
    stdout: bytes
    stderr: bytes


async def exec_detached(
    target: ExecTarget,
    process: Spec,
    *,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    console_socket: str = "",
) -> int:
    """Start a command with these descriptors or on a terminal whose master goes to console_socket.

    Without them it reads the end of its input at once, and what it writes goes nowhere.

    Returns its pid in the node's namespace. The caller owns the descriptors, and awaits the pid with the reaper.
    """
    starting = asyncio.create_task(_start(target, process, (stdin, stdout, stderr), console_socket))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # The command may be about to run, or run already: only the runtime's end tells.
        await asyncio.wait([starting], timeout=KILL_LIMIT)
        starting.cancel()
        await asyncio.wait([starting])
        if not starting.cancelled() and not starting.exception():
            await _kill(starting.result())
        raise


async def exec_sync(
    target: ExecTarget, process: Spec, *, reaper: Reaper, hierarchy: Hierarchy | None = None, timeout: float = 0
) -> ExecResult:
    """Run a command to its end. Raises TimedOut after killing it and its descendants; timeout 0 is none.

    A caller that is cancelled leaves nothing running either.
    """
    with CappedPipe(STREAM_LIMIT) as stdout, CappedPipe(STREAM_LIMIT) as stderr:
        pid, began = 0, None
        try:
            async with asyncio.timeout(timeout or None):
                pid = await exec_detached(target, process, stdout=stdout.writer, stderr=stderr.writer)
                began = began_at(pid)
                stdout.start()
                stderr.start()
                status = await reaper.wait(pid, began)
        except TimeoutError as error:
            await abandon(target, pid, began, reaper, hierarchy)
            raise TimedOut(f"command {process['args'][0]!r} did not end within {timeout:g} s and was killed") from error
        except asyncio.CancelledError:
            await abandon(target, pid, began, reaper, hierarchy)
            raise
        await _ended(stdout, stderr)
        code = status if status >= 0 else 128 - status
        return ExecResult(exit_code=code, stdout=stdout.drain(), stderr=stderr.drain())


async def _start(
    target: ExecTarget, process: Spec, streams: tuple[int | None, int | None, int | None], console_socket: str
) -> int:
    doing = f"execute {process['args'][0]!r} in container {target.container_id}"
    with target.moving(), _work_dir(target.run_dir) as work:
        pid_file, log, spec = (os.path.join(work, name) for name in ("pid", "log", "process.json"))
        write_atomic(spec, msgspec.json.encode(process), 0o600)
        args = ["exec", "--detach", "--pid-file", pid_file, "--process", spec]
        if console_socket:
            args += ["--console-socket", console_socket]
        argv = target.runtime.command(*args, target.container_id, log=log)
        for pause in (*THAWING, None):
            try:
                with _input(streams[0]) as stdin:
                    status = await _finish(argv, (stdin, *streams[1:]), target.runtime.time_limit)
            except TimeoutError as error:
                raise TimedOut(f"cannot {doing}: {target.runtime.name} did not end in time") from error
            except OSError as error:
                raise Unavailable(f"cannot {doing}: {target.runtime.path}: {error.strerror}") from error
            if not status:
                return int(read_text(pid_file))
            told = read_text_or(log, "")
            if pause is None or "paused" not in told:
                break
            # Another command of the container is being killed, and the cgroup is frozen for that moment.
            remove_tree(log)
            await asyncio.sleep(pause)
        raise runtime_error(doing, told)


@contextmanager
def _input(given: int | None) -> Iterator[int]:
    """The given descriptor, else one that is at its end. Not /dev/null: see linux.null_device."""
    if given is not None:
        yield given
        return
    reader, writer = os.pipe2(os.O_CLOEXEC)
    os.close(writer)
    try:
        yield reader
    finally:
        os.close(reader)


async def _finish(argv: tuple[str, ...], streams: tuple[int | None, int | None, int | None], time_limit: float) -> int:
    """Run the OCI runtime itself to its end; what takes too long is killed with all that it started."""
    running = start(argv, stdin=streams[0], stdout=streams[1], stderr=streams[2])
    began = began_at(running.pid)
    try:
        async with asyncio.timeout(time_limit):
            return await running.wait()
    except BaseException:
        if began is not None:
            kill_tree(running.pid, began)  # on the loop: it must happen, cancelled or not
        await running.wait()
        raise


async def _ended(*pipes: CappedPipe) -> None:
    try:
        async with asyncio.timeout(GRACE):
            for pipe in pipes:
                await pipe.ended()
    except TimeoutError:
        pass  # somebody daemonised keeps it open; what the command itself wrote is in the pipe


async def abandon(target: ExecTarget, pid: int, began: int | None, reaper: Reaper, hierarchy: Hierarchy | None) -> None:
    """Kill a command and what it started; its end is awaited, so that the caller finds nothing running."""
    if not pid or began is None:
        return  # exec_detached has seen to it, or it has ended
    await offload(kill_tree, pid, began, hierarchy=hierarchy, cgroup=target.cgroup)
    try:
        async with asyncio.timeout(KILL_LIMIT):
            await reaper.wait(pid, began)
    except TimeoutError:
        pass  # in uninterruptible sleep: it ends with that


async def _kill(pid: int) -> None:
    began = began_at(pid)
    if began is not None:
        await offload(kill_tree, pid, began)


def began_at(pid: int) -> int | None:
    """None when the command has ended and been reaped already: then the reaper's latest status of this pid is its."""
    try:
        return start_time(pid)
    except ProcessLookupError:
        return None


@contextmanager
def _work_dir(run_dir: str) -> Iterator[str]:
    path = tempfile.mkdtemp(prefix="exec-", dir=run_dir)
    try:
        yield path
    finally:
        remove_tree(path)
