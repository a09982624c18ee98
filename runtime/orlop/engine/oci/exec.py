"""Commands run inside a container by the OCI runtime's `exec --detach`: the daemon, as subreaper, is their parent."""

from dataclasses import dataclass

from orlop.aio.reaper import Reaper
from orlop.engine.oci.inputs import Spec
from orlop.engine.oci.runtime import OciRuntime
from orlop.linux.cgroups.hierarchy import Hierarchy

STREAM_LIMIT = 16 << 20
"""Bytes of each stream that exec_sync keeps."""


@dataclass(frozen=True, kw_only=True)
class ExecTarget:
    """Where a command is to run."""

    runtime: OciRuntime
    container_id: str
    run_dir: str
    """A volatile directory of the container, for files that live as long as the runtime's command."""
    cgroup: str = ""
    """The container's cgroup below the hierarchy's root, frozen while a timed-out command's descendants are killed."""


@dataclass(frozen=True, kw_only=True)
class ExecResult:
    """What a command left."""

    exit_code: int
    stdout: bytes
    stderr: bytes


async def exec_detached(
    target: ExecTarget, process: Spec, *, stdin: int, stdout: int, stderr: int, console_socket: str = ""
) -> int:
    """Start a command with these descriptors (or a terminal through console_socket); its pid in the node's namespace."""
    raise NotImplementedError


async def exec_sync(
    target: ExecTarget, process: Spec, *, reaper: Reaper, hierarchy: Hierarchy | None = None, timeout: float = 0
) -> ExecResult:
    """Run a command to its end. Raises TimedOut after killing it and its descendants; timeout 0 is none."""
    raise NotImplementedError
