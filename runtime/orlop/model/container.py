"""Containers: the kubelet's request, our record of it, and the status that the CRI shows.

The state is derived from timestamps, so it cannot contradict them:

    create ──▶ CREATED ──start──▶ RUNNING ──exit──▶ EXITED ──remove──▶ gone
                  └──────── exit before start ────────▲
"""

import msgspec

from orlop.model.base import Value
from orlop.model.enums import ContainerState, MountPropagation
from orlop.model.image import ImageSpec
from orlop.model.resources import LinuxContainerResources
from orlop.model.security import IDMapping, LinuxContainerSecurityContext


class ContainerMetadata(Value):
    """The container's name in its pod."""

    name: str = ""
    attempt: int = 0


class KeyValue(Value):
    """One environment variable. The value is bytes: Linux allows any but NUL."""

    key: str = ""
    value: bytes = b""


class Mount(Value):
    """A host path, or an image, mounted into the container."""

    container_path: str = ""
    host_path: str = ""
    readonly: bool = False
    selinux_relabel: bool = False
    propagation: MountPropagation = MountPropagation.PROPAGATION_PRIVATE
    uid_mappings: tuple[IDMapping, ...] = msgspec.field(default=(), name="uidMappings")
    gid_mappings: tuple[IDMapping, ...] = msgspec.field(default=(), name="gidMappings")
    recursive_read_only: bool = False
    image: ImageSpec | None = None
    image_sub_path: str = ""
    mount_options: tuple[str, ...] = ()
    """Since Kubernetes 1.37."""


class Device(Value):
    """A host device, or a directory of devices. permissions is a subset of "rwm"."""

    container_path: str = ""
    host_path: str = ""
    permissions: str = ""


class CDIDevice(Value):
    """A fully qualified CDI device name, "vendor.com/class=name"."""

    name: str = ""


class LinuxContainerConfig(Value):
    """The Linux part of a container's configuration."""

    resources: LinuxContainerResources = LinuxContainerResources()
    security_context: LinuxContainerSecurityContext = LinuxContainerSecurityContext()


class ContainerConfig(Value):
    """What CreateContainer is asked for."""

    metadata: ContainerMetadata = ContainerMetadata()
    image: ImageSpec = ImageSpec()
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    envs: tuple[KeyValue, ...] = ()
    mounts: tuple[Mount, ...] = ()
    devices: tuple[Device, ...] = ()
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    log_path: str = ""
    """Relative to the pod's log directory; empty: no log."""
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    linux: LinuxContainerConfig = LinuxContainerConfig()
    cdi_devices: tuple[CDIDevice, ...] = msgspec.field(default=(), name="CDI_devices")
    stop_signal: int = 0
    """The CRI's own Signal numbering (see orlop.model.signals), 0: the image's or SIGTERM."""


class LinuxContainerUser(Value):
    """Identity of the container's first process."""

    uid: int = 0
    gid: int = 0
    supplemental_groups: tuple[int, ...] = ()


class ContainerUser(Value):
    """Wrapper of the Linux user, as the CRI has it."""

    linux: LinuxContainerUser = LinuxContainerUser()


class ImageVolume(Value):
    """An image that a container has mounted (KEP-4639), as it was found when the container was made."""

    container_path: str
    image_id: str


class ShimOptions(Value):
    """How a handler's shim is asked for containers; each container keeps what it was born with."""

    oci_runtime: str = ""
    """Binary that runc's shim calls; empty for shims that call none."""
    config_path: str = ""
    """Configuration file of the shim itself; empty: it has one, or needs none."""
    rootfs: str = "path"
    """"path": config.json names the mounted root; "bind": the shim makes a bind mount of it; "block": it mounts
    a block device."""
    block_size: int = 0
    """Bytes of that device's filesystem."""
    stats: str = "cgroup"
    """"cgroup": figures are read on the node; "shim": the shim is asked."""


class ContainerRecord(Value):
    """A container, as it was made. Never changes."""

    id: str
    """64 hexadecimal digits."""
    pod_id: str
    config: ContainerConfig
    handler: str
    """Name of the handler it was born with; its binary is runtime_path, whatever the configuration says later."""
    created_at: int
    """Nanoseconds since the epoch."""
    image_id: str = ""
    image_ref: str = ""
    """What ContainerStatus.image_ref reports: a repository digest if there is one, else the image id."""
    runtime_path: str = ""
    """Of the OCI runtime, or of the shim."""
    runtime_root: str = ""
    shim: ShimOptions | None = None
    """None: an OCI runtime under conmon runs it."""
    bundle: str = ""
    log_path: str = ""
    """Absolute; empty: no log."""
    cgroup: str = ""
    """Path below the cgroup root, with a leading slash."""
    systemd_cgroup: bool = False
    stop_signal: str = "SIGTERM"
    """A signal(7) name."""
    checkpoint: str = ""
    """Directory of the checkpoint that its processes are restored from when it is started; empty: it begins anew."""
    infra: bool = False
    """The pod's pause process: ours, and not shown as a container."""
    image_volumes: tuple[ImageVolume, ...] = ()
    """In the order of config.mounts."""


class ContainerStatus(Value):
    """What changes in a container's life. Times are nanoseconds since the epoch, 0: not yet."""

    made: bool = False
    """False while its parts are being made: such a container is not shown, and a restart takes it apart."""
    pid: int = 0
    """Of the first process, in the node's PID namespace; 0 before it exists."""
    pid_start: int = 0
    """Start time in clock ticks (proc_pid_stat(5), field 22): tells a process from a later one with its number."""
    monitor_pid: int = 0
    monitor_start: int = 0
    started_at: int = 0
    finished_at: int = 0
    exit_code: int = 0
    oom_killed: bool = False
    reason: str = ""
    """Empty, "Completed", "Error", "OOMKilled" or "StartError"."""
    message: str = ""
    resources: LinuxContainerResources | None = None
    """As last applied."""
    user: LinuxContainerUser = LinuxContainerUser()
    """As found in the image's files when the container was made."""

    @property
    def state(self) -> ContainerState:
        """Derived from the timestamps."""
        if self.finished_at:
            return ContainerState.CONTAINER_EXITED
        if self.started_at:
            return ContainerState.CONTAINER_RUNNING
        return ContainerState.CONTAINER_CREATED


class Container(Value):
    """A container as the CRI lists it."""

    id: str
    pod_sandbox_id: str
    metadata: ContainerMetadata
    image: ImageSpec
    image_ref: str
    state: ContainerState
    created_at: int
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    image_id: str = ""


class ContainerResources(Value):
    """Wrapper of the Linux resources, as the CRI has it."""

    linux: LinuxContainerResources | None = None


class ContainerStatusView(Value):
    """ContainerStatus of the CRI."""

    id: str
    metadata: ContainerMetadata
    state: ContainerState
    created_at: int
    started_at: int = 0
    finished_at: int = 0
    exit_code: int = 0
    image: ImageSpec = ImageSpec()
    image_ref: str = ""
    reason: str = ""
    message: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    mounts: tuple[Mount, ...] = ()
    log_path: str = ""
    resources: ContainerResources | None = None
    image_id: str = ""
    user: ContainerUser | None = None
    stop_signal: int = 0


class ContainerStateValue(Value):
    """A wrapped state, so that a filter can leave it out."""

    state: ContainerState = ContainerState.CONTAINER_CREATED


class ContainerFilter(Value):
    """Which containers to list; all given conditions must hold. id may be a prefix."""

    id: str = ""
    state: ContainerStateValue | None = None
    pod_sandbox_id: str = ""
    label_selector: dict[str, str] = {}
