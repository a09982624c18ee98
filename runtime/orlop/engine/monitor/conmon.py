"""conmon: one small process per container that holds its terminal, log and exit status, so that the daemon may restart.

Here is its birth; its later life is in `control`, `exits` and `liveness`, its pipes' protocol in `handshake`.
"""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from orlop.aio.process import CommandError, Process, run
from orlop.aio.threads import offload
from orlop.engine.monitor.handshake import Handshake
from orlop.engine.monitor.leftovers import kill_monitor, remove_leftovers
from orlop.linux.files import read_text
from orlop.linux.processes import start_time
from orlop.model.errors import OrlopError, TimedOut, Unavailable, Unsupported

OLDEST = (2, 1)
REFUSED = frozenset({(2, 2, 0)})
"""2.2.0 spins in its drain loop, and reports exit status 0 for containers that it did not start itself."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True)
class CreateRequest:
    """One container to be created under a monitor of its own."""

    container_id: str
    name: str
    bundle: str
    log_path: str
    """Absolute; empty: no log."""
    runtime_path: str
    runtime_args: tuple[str, ...]
    exit_dir: str
    persist_dir: str
    """Holds the container's "exit" and "oom" files."""
    socket_dir: str
    terminal: bool = False
    stdin: bool = False
    stdin_once: bool = False
    systemd_cgroup: bool = False
    restore: str = ""
    """Directory of CRIU's images: the container is restored from it, and runs at once."""
    search_path: str = PATH
    """Where programs that the OCI runtime calls are found."""
    place: Callable[[int], None] | None = None
    """Moves the monitor (its pid is the argument) to its cgroup before it starts the runtime. Runs in a thread."""
    complete: Callable[[], Awaitable[object]] | None = None
    """Fills the bundle before the runtime starts, while the monitor is started and moved. None: it is filled."""
    explain: Callable[[str], OrlopError] = OrlopError
    """Turns the runtime's stderr into an error."""
    timeout: float = 240.0
    """Seconds, from the complete bundle on."""


@dataclass(frozen=True, kw_only=True)
class Monitored:
    """A created container: its first process and its monitor, each with its start time in clock ticks.

    A start time of 0 says that the process has ended already; its exit is told by the exit file, as ever.
    """

    pid: int
    pid_start: int
    monitor_pid: int
    monitor_start: int


class Conmon:
    """A conmon binary."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def version(self) -> str:
        """Its version, "2.1.6". Raises Unsupported for one that must not be used."""
        try:
            output = (await run([self._path, "--version"], timeout=10)).stdout.decode(errors="replace")
        except (CommandError, OSError) as error:
            raise Unavailable(f"cannot run {self._path}: {error}") from error
        return accepted_version(output)

    async def create(self, request: CreateRequest) -> Monitored:
        """Create the container. When it fails nothing is left but what the OCI runtime itself may have left."""
        with Handshake() as handshake:
            process: Process | None = None
            try:
                process = handshake.spawn(
                    arguments(self._path, request), cwd=request.bundle, env={"PATH": request.search_path}
                )
                # A move between cgroups waits for the kernel's readers (RCU), some ten milliseconds.
                placing = asyncio.ensure_future(_place(process, request))
                placing.add_done_callback(_seen)
                try:
                    if request.complete is not None:
                        await request.complete()
                finally:
                    await asyncio.wait([placing])
                return await _created(handshake, process, placing, request)
            except BaseException:
                await _undo(process, request)
                raise


def _seen(done: asyncio.Future[None]) -> None:
    """A failure is told where the placing is awaited, or something else went wrong before."""
    if not done.cancelled():
        done.exception()


async def _created(
    handshake: Handshake, process: Process, placing: asyncio.Future[None], request: CreateRequest
) -> Monitored:
    """What the monitor and the OCI runtime make of a complete bundle."""
    try:
        async with asyncio.timeout(request.timeout):
            await placing
            handshake.go()
            pid = await handshake.answer(request.explain)
            # The first process ends when the lasting one has been forked and its pid file is written.
            await process.wait()
    except TimeoutError as error:
        raise TimedOut(f"container {request.container_id} was not created within {request.timeout:g} s") from error
    monitor = int(read_text(os.path.join(request.bundle, "conmon-pidfile")))
    return Monitored(pid=pid, pid_start=_start(pid), monitor_pid=monitor, monitor_start=_start(monitor))


async def _place(process: Process, request: CreateRequest) -> None:
    if request.place is None:
        return
    try:
        await offload(request.place, process.pid)
    except OSError as error:
        raise OrlopError(
            f"cannot move the monitor of container {request.container_id} to its cgroup: {error}"
        ) from error


async def _undo(process: Process | None, request: CreateRequest) -> None:
    """End a creation half-way, before the start pipe is closed: its end of file, too, would make conmon go on."""
    if process is not None:
        process.kill()
        await process.wait()
    kill_monitor(request.bundle)
    remove_leftovers(request.container_id, socket_dir=request.socket_dir, exit_dir=request.exit_dir)


def arguments(path: str, request: CreateRequest) -> list[str]:
    """conmon's argv."""
    argv = [path, "--cid", request.container_id, "--cuuid", request.container_id, "--name", request.name]
    argv += ["--bundle", request.bundle, "--persist-dir", request.persist_dir, "--exit-dir", request.exit_dir]
    argv += ["--container-pidfile", os.path.join(request.bundle, "pidfile")]
    argv += ["--conmon-pidfile", os.path.join(request.bundle, "conmon-pidfile")]
    argv += ["--socket-dir-path", request.socket_dir, "--log-level", "warning"]
    argv += ["--log-path", f"k8s-file:{request.log_path}" if request.log_path else "none"]
    argv += ["--runtime", request.runtime_path, *(f"--runtime-arg={arg}" for arg in request.runtime_args)]
    if request.systemd_cgroup:
        argv.append("--systemd-cgroup")
    if request.restore:
        argv += ["--restore", request.restore, "--runtime-opt", "--file-locks"]
    if request.terminal:
        argv.append("--terminal")
    elif request.stdin:
        argv += ["--stdin", *(() if request.stdin_once else ("--leave-stdin-open",))]
    return argv


def accepted_version(output: str) -> str:
    """The version in the output of `conmon --version`, if it is one that may be used."""
    found = re.match(r"conmon version (\d+)\.(\d+)\.(\d+)", output)
    if not found:
        raise Unsupported(f"this is not conmon: its version is {output[:80]!r}")
    version = (int(found[1]), int(found[2]), int(found[3]))
    text = ".".join(map(str, version))
    if version in REFUSED:
        raise Unsupported(f"conmon {text} must not be used (it loses exit codes): install 2.2.1 or newer, or 2.1.13")
    if version < OLDEST:
        raise Unsupported(f"conmon {text} is too old: install {'.'.join(map(str, OLDEST))}.0 or newer")
    return text


def _start(pid: int) -> int:
    try:
        return start_time(pid)
    except ProcessLookupError:
        return 0
