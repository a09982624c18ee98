"""Who runs a container: what every carrier can do for the verbs, which speak with nothing else about it.

One is `monitored` (conmon and an OCI runtime), the other `shimmed` (a process that speaks containerd's shim protocol).
A container keeps the carrier, the binary and the options it was born with: they are in its record (`choice`).
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from orlop.aio.duplex import Client
from orlop.engine.monitor.conmon import Monitored
from orlop.engine.oci.exec import ExecResult
from orlop.engine.oci.inputs import Spec
from orlop.engine.state.table import ContainerEntry
from orlop.model.container import ContainerRecord
from orlop.model.pod import PodRecord
from orlop.services.streams import StreamChoice

Complete = Callable[[], Awaitable[ContainerRecord]]
"""Fills a container's bundle; its record as it then is: only the cgroup may be another."""


class Carrier(Protocol):
    """Runs containers. Every verb may be asked again; errors are OrlopErrors in the user's terms."""

    @property
    def keeper(self) -> str:
        """What lives beside the container and tells its end: "conmon", "shim". For messages."""

    async def create(self, pod: PodRecord, record: ContainerRecord, complete: Complete) -> Monitored:
        """Create the container; its first process waits for the start.

        The bundle's directory is there; `complete` fills it, and may run beside whatever needs nothing of it.
        """

    async def start(self, record: ContainerRecord) -> None:
        """Let the first process run."""

    async def restore(self, pod: PodRecord, record: ContainerRecord) -> Monitored:
        """In place of create and start: let the processes of the record's checkpoint go on. Unsupported by some."""

    async def signal(self, entry: ContainerEntry, number: int) -> None:
        """Send a signal to the first process; one that has ended is fine."""

    async def kill_all(self, record: ContainerRecord) -> None:
        """Kill every process of the container, also what has left its PID namespace."""

    async def update(self, record: ContainerRecord, resources: Spec) -> None:
        """Apply new limits (runtime-spec, linux.resources)."""

    async def delete(self, record: ContainerRecord) -> None:
        """Delete it by force, whatever state it is in and whoever of its keepers is left. Idempotent."""

    async def exec_sync(self, record: ContainerRecord, command: tuple[str, ...], timeout: float) -> ExecResult:
        """Run a command to its end; TimedOut after so many seconds (0: never), and then nothing of it is left."""

    def exec(
        self, record: ContainerRecord, command: tuple[str, ...], choice: StreamChoice, client: Client
    ) -> Awaitable[int]:
        """Run a command for a client; its exit code. When cancelled, the command is killed with its descendants."""

    async def attach(self, record: ContainerRecord, choice: StreamChoice, client: Client) -> None:
        """Serve a client with the first process's streams until the container ends or the client leaves."""

    async def reopen_log(self, record: ContainerRecord) -> None:
        """Begin a new file under the log's path, which was renamed, and wait for it."""

    async def resume(self, entry: ContainerEntry) -> bool:
        """After a daemon's start: take up a living container again. Whether it has been started."""

    def has_record(self, record: ContainerRecord) -> bool:
        """Whether something of an ended container is still to be deleted."""

    async def kill_unfinished(self, record: ContainerRecord) -> None:
        """A daemon died while it made this: end whoever goes on making it."""

    async def remove_files(self, record: ContainerRecord) -> None:
        """Remove what lies outside of the bundle."""
