"""A monitor that does as it is told. Its containers and its monitors are real processes, which do nothing.

So signals, pidfds, start times, exit files and the watches over them are the real ones; only conmon itself is played.
"""

import json
import os
import signal
from pathlib import Path

from orlop.aio.process import Process, start
from orlop.aio.tasks import Background
from orlop.engine.monitor.conmon import CreateRequest, Monitored
from orlop.linux.processes import start_time
from tests.fakes.cgroups import FakeTree
from tests.fakes.story import FakeRuntime, Story, until

_IDLE = ("sleep", "1000")
_STUBBORN = ("sh", "-c", "trap '' TERM; exec sleep 1000")


class FakeConmon:
    """Stands in for orlop.engine.monitor.conmon.Conmon."""

    def __init__(self, story: Story, runtime: FakeRuntime, tree: FakeTree) -> None:
        self._story = story
        self._runtime = runtime
        self._tree = tree
        self._watching = Background()
        self._processes: dict[str, Process] = {}
        self._monitors: dict[str, Process] = {}
        self._codes: dict[str, int] = {}
        self._silent: set[str] = set()
        self.requests: dict[str, CreateRequest] = {}
        self.stubborn = False
        """Containers that are created now ignore SIGTERM."""

    async def create(self, request: CreateRequest) -> Monitored:
        if request.complete is not None:
            await request.complete()
        await self._story.ask_and_wait("conmon.create", request.container_id)
        container_id, bundle = request.container_id, Path(request.bundle)
        self.requests[container_id] = request
        process = self._processes[container_id] = start(_STUBBORN if self.stubborn else _IDLE)
        monitor = self._monitors[container_id] = start(_IDLE)
        await until(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n")
        if request.place is not None:
            request.place(monitor.pid)
        cgroup = json.loads((bundle / "config.json").read_text())["linux"]["cgroupsPath"]
        self._tree.enter(cgroup, process.pid)
        self._runtime.creates(container_id, process.pid)
        (bundle / "pidfile").write_text(str(process.pid))
        (Path(request.socket_dir) / container_id).symlink_to(bundle)
        self._watching.spawn(self._watch(container_id, process, monitor), f"fake monitor of {container_id}")
        return Monitored(
            pid=process.pid,
            pid_start=start_time(process.pid),
            monitor_pid=monitor.pid,
            monitor_start=start_time(monitor.pid),
        )

    async def _watch(self, container_id: str, process: Process, monitor: Process) -> None:
        code = await process.wait()
        self._tree.leave(process.pid)
        if container_id not in self._silent:
            self.leaves_exit(container_id, self._codes.get(container_id, 128 - code))
            monitor.kill()

    def leaves_exit(self, container_id: str, code: int, *, finished_at: int | None = None) -> None:
        """Write the exit file as conmon does: under another name, then renamed."""
        directory = Path(self.requests[container_id].exit_dir)
        temporary = directory / f"{container_id}.X1Y2Z3"
        temporary.write_text(str(code))
        if finished_at is not None:
            os.utime(temporary, ns=(finished_at, finished_at))
        temporary.rename(directory / container_id)

    def sees_oom(self, container_id: str) -> None:
        """Leave the mark of a kill by the kernel."""
        (Path(self.requests[container_id].persist_dir) / "oom").touch()

    def ends(self, container_id: str, code: int = 0) -> None:
        """The container's process ends with this status."""
        self._codes[container_id] = code
        self._processes[container_id].kill()

    def falls_silent(self, container_id: str) -> None:
        """From now on it tells nothing of the container's end, and lives on."""
        self._silent.add(container_id)

    async def dies(self, container_id: str) -> None:
        """The monitor ends, and the container runs on."""
        self.falls_silent(container_id)
        self._monitors[container_id].kill()
        await self._monitors[container_id].wait()

    def runs(self, container_id: str) -> bool:
        """Whether the container's process is there."""
        return self._processes[container_id].returncode is None

    def pid(self, container_id: str) -> int:
        """The container's process."""
        return self._processes[container_id].pid

    def stops(self, container_id: str) -> None:
        """Freeze the process, as the cgroup freezer would: no signal but SIGKILL has an effect."""
        os.kill(self.pid(container_id), signal.SIGSTOP)

    async def aclose(self) -> None:
        """Nothing is left running."""
        for process in (*self._processes.values(), *self._monitors.values()):
            process.kill()
            await process.wait()
        await self._watching.aclose()
