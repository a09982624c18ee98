"""Client of an OCI runtime's command line (runc, crun and their like). create is conmon's (engine.monitor); exec is in `exec`."""

from dataclasses import dataclass, field
from typing import Any

from orlop.engine.oci.inputs import Spec


@dataclass(frozen=True, kw_only=True)
class RuntimeVersion:
    """What `--version` says."""

    name: str
    version: str
    spec: str


@dataclass(frozen=True, kw_only=True)
class RuntimeFeatures:
    """What `features` says, or what the version implies where the command does not exist."""

    recursive_read_only_mounts: bool = False
    user_namespaces: bool = False
    idmap_mounts: bool = False
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OciRuntime:
    """One OCI runtime binary with its state directory."""

    name: str
    path: str
    root: str
    systemd_cgroup: bool = False
    time_limit: float = 60.0
    """Seconds that a command may take."""

    @property
    def global_args(self) -> tuple[str, ...]:
        """Arguments before the verb; conmon is given the same ones (CreateRequest.runtime_args)."""
        raise NotImplementedError

    async def start(self, container_id: str) -> None:
        """Run the process of a created container."""
        raise NotImplementedError

    async def kill(self, container_id: str, signal: int) -> None:
        """Send a signal to the first process."""
        raise NotImplementedError

    async def delete(self, container_id: str, *, force: bool = False) -> None:
        """Remove the runtime's record and the cgroup; a container that is not there is fine."""
        raise NotImplementedError

    async def update(self, container_id: str, resources: Spec) -> None:
        """Apply new limits (`resources.linux_resources`)."""
        raise NotImplementedError

    async def version(self) -> RuntimeVersion:
        """Ask for the version."""
        raise NotImplementedError

    async def features(self) -> RuntimeFeatures:
        """Ask for the features."""
        raise NotImplementedError
