"""conmon: one small process per container that holds its terminal, log and exit status, so that the daemon may restart."""

from collections.abc import Callable
from dataclasses import dataclass

from orlop.model.errors import OrlopError


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
    place: Callable[[int], None] | None = None
    """Moves the monitor (its pid is the argument) to its cgroup before it starts the runtime."""
    explain: Callable[[str], OrlopError] = OrlopError
    """Turns the runtime's stderr into an error."""
    timeout: float = 240.0


@dataclass(frozen=True, kw_only=True)
class Monitored:
    """A created container: its first process and its monitor, each with its start time in clock ticks."""

    pid: int
    pid_start: int
    monitor_pid: int
    monitor_start: int


class Conmon:
    """A conmon binary."""

    def __init__(self, path: str) -> None: ...

    async def version(self) -> str:
        """Its version, "2.1.6". Raises Unsupported for one that must not be used."""
        raise NotImplementedError

    async def create(self, request: CreateRequest) -> Monitored:
        """Create the container. When it fails nothing is left but what the OCI runtime itself may have left."""
        raise NotImplementedError
