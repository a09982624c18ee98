"""A shim's task service as typed calls over one connection. Raises StatusError and Disconnected of orlop.ttrpc."""

import asyncio
import math
from collections.abc import Sequence

import msgspec
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from orlop.engine.shim.bootstrap import NAMESPACE
from orlop.engine.shim.v1 import task_pb2 as pb
from orlop.ttrpc.client import Client, M

SPEC_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/"
"""Type URLs of runtime-spec parts, which are carried as JSON."""
CALL_LIMIT = 60.0
"""Seconds that a shim may take for an ordinary call."""
AT_ONCE = 2
"""Commands that are being started in one shim: runc's starts one after the other and tells no exit meanwhile."""


class Streams(msgspec.Struct, frozen=True, kw_only=True):
    """Fifos that the shim opens; empty: /dev/null."""

    stdin: str = ""
    stdout: str = ""
    stderr: str = ""
    terminal: bool = False


class RootMount(msgspec.Struct, frozen=True, kw_only=True):
    """A mount that the shim makes, as mount(8) names its parts."""

    type: str
    source: str
    options: tuple[str, ...] = ()


class TaskExit(msgspec.Struct, frozen=True, kw_only=True):
    """How a process ended."""

    code: int
    at: int
    """Nanoseconds since the epoch; 0: not told."""


class TaskState(msgspec.Struct, frozen=True, kw_only=True):
    """What a shim says of a process."""

    pid: int
    running: bool
    created: bool
    ended: bool


class TaskService:
    """One shim. Any number of calls at once."""

    def __init__(self, client: Client, service: str) -> None:
        self._client = client
        self._service = service
        self._starting = asyncio.Semaphore(AT_ONCE)

    @property
    def connected(self) -> bool:
        """Whether calls are possible still, as far as is known."""
        return self._client.connected

    async def aclose(self) -> None:
        """Close the connection; the shim goes on."""
        await self._client.aclose()

    async def connect(self, container_id: str) -> int:
        """The shim's own pid."""
        return (await self._call("Connect", pb.TaskRequest(id=container_id), pb.ConnectResponse)).shim_pid

    async def create(
        self,
        container_id: str,
        bundle: str,
        streams: Streams,
        *,
        rootfs: Sequence[RootMount],
        options: tuple[str, bytes] | None,
        timeout: float,
    ) -> int:
        """Create a container; the pid of its first process, which waits. options: type URL and value."""
        request = pb.CreateTaskRequest(
            id=container_id,
            bundle=bundle,
            rootfs=[pb.Mount(type=each.type, source=each.source, options=each.options) for each in rootfs],
            terminal=streams.terminal,
            stdin=streams.stdin,
            stdout=streams.stdout,
            stderr=streams.stderr,
            options=_any(options),
        )
        return (await self._call("Create", request, pb.CreateTaskResponse, timeout)).pid

    async def start(self, container_id: str, exec_id: str = "") -> int:
        """Let the first process, or a command that was added, run; its pid."""
        request = pb.ProcessRequest(id=container_id, exec_id=exec_id)
        async with self._starting:
            return (await self._call("Start", request, pb.StartResponse)).pid

    async def exec(self, container_id: str, exec_id: str, streams: Streams, process: bytes) -> None:
        """Add a command (a runtime-spec Process as JSON); start lets it run."""
        request = pb.ExecProcessRequest(
            id=container_id,
            exec_id=exec_id,
            terminal=streams.terminal,
            stdin=streams.stdin,
            stdout=streams.stdout,
            stderr=streams.stderr,
            spec=_any((f"{SPEC_TYPE}Process", process)),
        )
        await self._call("Exec", request, pb.Empty)

    async def wait(self, container_id: str, exec_id: str = "") -> TaskExit:
        """Wait for a process's end, however long. One that has ended is told at once."""
        request = pb.ProcessRequest(id=container_id, exec_id=exec_id)
        answer = await self._call("Wait", request, pb.WaitResponse, math.inf)
        return TaskExit(code=answer.exit_status, at=_nanoseconds(answer.exited_at))

    async def state(self, container_id: str) -> TaskState:
        """What has become of the first process."""
        answer = await self._call("State", pb.ProcessRequest(id=container_id), pb.StateResponse)
        return TaskState(
            pid=answer.pid,
            running=answer.status in (pb.RUNNING, pb.PAUSED, pb.PAUSING),
            created=answer.status == pb.CREATED,
            ended=answer.status == pb.STOPPED,
        )

    async def kill(self, container_id: str, signal: int, *, exec_id: str = "", everybody: bool = False) -> None:
        """Signal a process, or every process of the container."""
        request = pb.KillRequest(id=container_id, exec_id=exec_id, signal=signal, all=everybody)
        await self._call("Kill", request, pb.Empty)

    async def resize(self, container_id: str, exec_id: str, width: int, height: int) -> None:
        """Set a terminal's size, in characters."""
        request = pb.ResizePtyRequest(id=container_id, exec_id=exec_id, width=width, height=height)
        await self._call("ResizePty", request, pb.Empty)

    async def close_stdin(self, container_id: str, exec_id: str = "") -> None:
        """Let go of the shim's own end of the stdin fifo, so that the process sees an end of its input."""
        await self._call("CloseIO", pb.CloseIORequest(id=container_id, exec_id=exec_id, stdin=True), pb.Empty)

    async def update(self, container_id: str, resources: bytes) -> None:
        """New limits (runtime-spec LinuxResources as JSON)."""
        resource = _any((f"{SPEC_TYPE}LinuxResources", resources))
        await self._call("Update", pb.UpdateTaskRequest(id=container_id, resources=resource), pb.Empty)

    async def pids(self, container_id: str) -> list[int]:
        """The container's processes, as the shim numbers them."""
        answer = await self._call("Pids", pb.TaskRequest(id=container_id), pb.PidsResponse)
        return [process.pid for process in answer.processes]

    async def stats(self, container_id: str) -> tuple[str, bytes]:
        """The cgroup's metrics as the shim tells them: type URL and encoded message."""
        answer = await self._call("Stats", pb.TaskRequest(id=container_id), pb.StatsResponse)
        return answer.stats.type_url, answer.stats.value

    async def delete(self, container_id: str, exec_id: str = "") -> TaskExit:
        """Forget a process that has ended or was never started."""
        request = pb.ProcessRequest(id=container_id, exec_id=exec_id)
        answer = await self._call("Delete", request, pb.DeleteResponse)
        return TaskExit(code=answer.exit_status, at=_nanoseconds(answer.exited_at))

    async def shutdown(self, container_id: str) -> None:
        """Ask the shim to end; it does where it has no container left."""
        await self._call("Shutdown", pb.ShutdownRequest(id=container_id), pb.Empty)

    async def _call(self, method: str, request: Message, response: type[M], seconds: float = 0) -> M:
        """seconds that the answer may take; 0: CALL_LIMIT, infinity: any number."""
        timeout = None if seconds == math.inf else seconds or CALL_LIMIT
        # The namespace is told with each call (containerd's pkg/namespaces).
        metadata = {"containerd-namespace-ttrpc": NAMESPACE}
        return await self._client.invoke(self._service, method, request, response, timeout=timeout, metadata=metadata)


def _any(typed: tuple[str, bytes] | None) -> Any | None:
    return Any(type_url=typed[0], value=typed[1]) if typed else None


def _nanoseconds(stamp: Timestamp) -> int:
    return max(0, stamp.seconds * 10**9 + stamp.nanos)
