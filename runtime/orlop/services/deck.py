"""The deck: every engine part and every piece of shared memory that the verbs work with, put together by the daemon.

It is a plain value. How the parts are made is in orlop.daemon; what is done with them is in the verbs.
"""

import asyncio
from dataclasses import dataclass, field

from orlop.aio.broadcast import Broadcast
from orlop.aio.joining import Joining
from orlop.aio.locks import KeyedLocks
from orlop.aio.reaper import Reaper
from orlop.aio.tasks import Background
from orlop.engine.checkpoint.criu import Criu
from orlop.engine.cni.network import Network
from orlop.engine.hostports.table import HostPorts
from orlop.engine.images.store import Images
from orlop.engine.monitor.conmon import Conmon
from orlop.engine.monitor.exits import ExitWatch
from orlop.engine.monitor.liveness import MonitorWatch
from orlop.engine.nri.port import NoPlugins, Plugins
from orlop.engine.oci.cdi.directory import Directories
from orlop.engine.oci.hooks import HookDirectories
from orlop.engine.oci.inputs import HostFacts, SpecSettings
from orlop.engine.oci.runtime import RuntimeFeatures
from orlop.engine.oci.seccomp.profile import Profiles
from orlop.engine.sandbox.cgroup import PodCgroups
from orlop.engine.sandbox.files import PodFiles
from orlop.engine.sandbox.namespaces import Namespaces
from orlop.engine.shim.shims import Shims
from orlop.engine.state.table import State
from orlop.engine.stats.facade import Stats
from orlop.engine.storage.rootfs import RootFilesystems
from orlop.linux.cgroups.hierarchy import Hierarchy
from orlop.linux.cgroups.moving import ReadyMoves
from orlop.model.container import ShimOptions
from orlop.model.enums import CgroupDriver
from orlop.model.errors import InvalidArgument
from orlop.model.event import ContainerEvent
from orlop.model.pod import PodSandboxMetadata
from orlop.services.making import Making
from orlop.services.streams import NoStreams, StreamServer

MOST_EVENTS = 1000
"""That may wait for one client before it is cut off: some megabytes."""


@dataclass(frozen=True, kw_only=True)
class Handler:
    """One way to run containers, under the name that a RuntimeClass gives it."""

    name: str
    path: str
    """Of the OCI runtime, or of the shim."""
    root: str
    """State directory of the OCI runtime, also of the one that a shim calls."""
    features: RuntimeFeatures
    systemd_cgroup: bool = False
    shim: ShimOptions | None = None
    """None: an OCI runtime under conmon."""
    pod_annotations: tuple[str, ...] = ()
    """Patterns of pods' annotations that reach the runtime or shim."""
    privileged_without_host_devices: bool = False


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Configuration that verbs need, as plain values."""

    state_dir: str
    root_dir: str
    default_handler: str
    cgroup_driver: CgroupDriver
    spec: SpecSettings
    create_timeout: float = 240.0
    stop_timeout: float = 10.0
    pause_path: str = ""
    """Binary of the pause process for pods that share a PID namespace; empty: none is installed."""
    monitor_cgroup: str = "pod"
    restore: bool = False
    """Containers may be made from checkpoints."""
    shown: str = ""
    """The whole configuration as JSON, for the verbose Status."""

    def bundle(self, container_id: str) -> str:
        """The container's volatile directory: config.json, pid file, fifos, exit and oom files, mounted rootfs."""
        return f"{self.state_dir}/containers/{container_id}"

    def checkpoint_dir(self, name: str) -> str:
        """Where a checkpoint is while it is made or waits to be restored: it may be as large as memory."""
        return f"{self.root_dir}/checkpoints/{name}"

    @property
    def exit_dir(self) -> str:
        """Where conmon leaves exit statuses."""
        return f"{self.state_dir}/exits"

    @property
    def socket_dir(self) -> str:
        """Where conmon leaves links to attach sockets; short, for a socket's path may have 107 bytes."""
        return f"{self.state_dir}/attach"


@dataclass(slots=True)
class Grace:
    """When a container that is being stopped is killed."""

    at: float
    """Loop time."""
    shortened: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(kw_only=True)
class Deck:
    """Everything the verbs work with."""

    settings: Settings
    facts: HostFacts
    seccomp: Profiles
    cdi: Directories
    hooks: HookDirectories
    handlers: dict[str, Handler]
    idmaps: bool
    """Whether kernel and filesystems have what pods with user namespaces need; probed at start."""
    state: State
    images: Images
    roots: RootFilesystems
    hierarchy: Hierarchy
    moves: ReadyMoves
    """Held while processes are about to be moved to their cgroups."""
    cgroups: PodCgroups
    namespaces: Namespaces
    files: PodFiles
    network: Network
    host_ports: HostPorts
    stats: Stats
    conmon: Conmon
    shims: Shims
    exit_watch: ExitWatch
    monitor_watch: MonitorWatch
    reaper: Reaper
    background: Background = field(default_factory=Background)
    streams: StreamServer = field(default_factory=NoStreams)
    """Serves exec, attach and port-forward."""
    criu: Criu = field(default_factory=lambda: Criu(""))
    """Dumps and restores processes."""
    plugins: Plugins = field(default_factory=NoPlugins)
    """NRI; services.nri says when it is asked."""
    ends_told: set[str] = field(default_factory=set)
    """Containers whose ends NRI plugins have been told (services.nri_ends)."""
    making: Making = field(default_factory=Making)
    """Pods and containers that are being made, by name."""
    building: set[str] = field(default_factory=set)
    """Their ids, once they are on record. Others there that are not made were left by a failure or a daemon's death."""
    ending: Joining[str, None] = field(default_factory=Joining)
    """Starts, stops and removals that go on, by "<verb> <id>"."""
    locks: KeyedLocks[str] = field(default_factory=KeyedLocks)
    """One per container, for changes of its state; never held while waiting for the container's end."""
    pod_names: dict[str, str] = field(default_factory=dict)
    """Pod key to id."""
    container_names: dict[str, str] = field(default_factory=dict)
    """Container key to id."""
    exited: dict[str, asyncio.Event] = field(default_factory=dict)
    """Set when a container's exit is on record; there while the container is."""
    deleted: set[str] = field(default_factory=set)
    """Containers that ended and that their OCI runtime has forgotten."""
    starting: set[str] = field(default_factory=set)
    """Containers that are being started: their end is told after their start, even where it came first."""
    shim_watches: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """Those that wait for the ends of shims' containers."""
    events: Broadcast[ContainerEvent] = field(default_factory=lambda: Broadcast(MOST_EVENTS))
    """What happens to containers and pods; sent by orlop.services.events alone."""
    last_event: int = 0
    """Time of the last event, in nanoseconds since the epoch."""
    graces: dict[str, Grace] = field(default_factory=dict)
    """Of the containers that are being stopped."""
    removed_oom_kills: dict[str, int] = field(default_factory=dict)
    """By parent cgroup: OOM kills in children that are gone, as far as they have been told (see oom)."""
    garbage_wanted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something is left that must be tried again."""

    def handler(self, name: str) -> Handler:
        """The handler that a pod asks for, the default one for none. Raises InvalidArgument naming those there are."""
        wanted = name or self.settings.default_handler
        handler = self.handlers.get(wanted)
        if handler is None:
            known = ", ".join(sorted(self.handlers)) or "none"
            raise InvalidArgument(
                f"no runtime handler {wanted!r} on this node; configured are: {known}. "
                f"Add [handlers.{wanted}] to the configuration or change the RuntimeClass"
            )
        return handler

    def pod_metadata(self, pod_id: str) -> PodSandboxMetadata:
        """Name of a container's pod for messages, also when the pod's record is gone."""
        if pod_id in self.state.pods:
            return self.state.pods.get(pod_id).record.config.metadata
        return PodSandboxMetadata(name=pod_id[:12], namespace="?")
