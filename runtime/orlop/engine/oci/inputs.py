"""What a container's spec is made from, as frozen values.

Gathering them is in `facts`, `users`, `volumes`, `hostdevices` and `seccomp.profile`.
"""

from dataclasses import dataclass, field
from typing import Any

from orlop.model.container import ContainerConfig
from orlop.model.enums import MountPropagation
from orlop.model.image import ImageConfig
from orlop.model.pod import PodRecord
from orlop.model.rlimits import Rlimit
from orlop.model.security import UserNamespace

Spec = dict[str, Any]
"""A config.json (runtime-spec), or a part of one, ready for JSON."""


@dataclass(frozen=True, kw_only=True)
class ResolvedUser:
    """Who the container's first process is, after the image's own /etc/passwd and /etc/group were asked."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    """Supplementary groups in the order status reports them: the primary group first."""
    home: str = "/"
    name: str = ""
    """Login name; empty when the image's /etc/passwd has none for this uid."""


@dataclass(frozen=True, kw_only=True)
class ResolvedMount:
    """A host file or directory that exists, without symbolic links, and where it appears in the container."""

    container_path: str
    host_path: str
    readonly: bool = False
    recursive_read_only: bool = False
    propagation: MountPropagation = MountPropagation.PROPAGATION_PRIVATE
    options: tuple[str, ...] = ()
    """More mount options, for example "nosuid"."""
    idmapped: bool = False
    """Owners are mapped into the pod's user namespace."""


@dataclass(frozen=True, kw_only=True)
class ResolvedDevice:
    """A device node of the host and its node in the container."""

    path: str
    """In the container."""
    host_path: str = ""
    """On the node; bound from there where no device node can be made: in a user namespace."""
    kind: str
    """"c" or "b"."""
    major: int
    minor: int
    mode: int = 0o666
    uid: int = 0
    gid: int = 0
    access: str = "rwm"


@dataclass(frozen=True, kw_only=True)
class SelinuxContexts:
    """The policy's labels for containers (lxc_contexts), to which a pod's level and wishes are added."""

    process: str = "system_u:system_r:container_t:s0"
    file: str = "system_u:object_r:container_file_t:s0"


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """What the machine offers; gathered once at start (see `facts.gather`)."""

    cgroup_version: int
    capabilities: frozenset[str]
    """The daemon's own, with "CAP_": nobody can be given more."""
    hostname: str = ""
    swap_accounting: bool = False
    """The memory controller can limit swap."""
    hugepage_sizes: frozenset[str] = frozenset()
    """Sizes that the hugetlb controller can limit, for example "2MB"; empty: there is no such controller."""
    apparmor: bool = False
    apparmor_profiles: frozenset[str] = frozenset()
    """Those that are loaded."""
    selinux: bool = False
    selinux_contexts: SelinuxContexts = SelinuxContexts()
    selinux_policy: str = ""
    """Name of the policy that is configured, below /etc/selinux."""


@dataclass(frozen=True, kw_only=True)
class SpecSettings:
    """What the configuration says about every container of a handler."""

    default_capabilities: tuple[str, ...] = ()
    default_env: dict[str, str] = field(default_factory=dict)
    rlimits: tuple[Rlimit, ...] = ()
    pids_limit: int = -1
    apparmor_profile: str = ""
    """Profile meant by RuntimeDefault where it is loaded."""
    privileged_without_host_devices: bool = False


@dataclass(frozen=True, kw_only=True)
class SpecInputs:
    """Everything that decides a container's spec."""

    container_id: str
    pod: PodRecord
    config: ContainerConfig
    image: ImageConfig
    rootfs: str
    """Absolute path of the mounted root filesystem."""
    user: ResolvedUser
    cgroups_path: str
    """As the OCI runtime wants it: a path, or "slice:prefix:name" for the systemd driver."""
    settings: SpecSettings
    facts: HostFacts
    pid_namespace: str = ""
    """Namespace file to join: the pod's for mode POD, "/proc/<pid>/ns/pid" for TARGET."""
    mounts: tuple[ResolvedMount, ...] = ()
    """The pod's files (`volumes.pod_mounts`), then the container's own (`volumes.resolve_mounts`): later ones win."""
    devices: tuple[ResolvedDevice, ...] = ()
    """From `hostdevices.devices_for`."""
    seccomp: Spec | None = None
    """Profile in runtime-spec form; None: unconfined."""
    sandbox_id: str = ""
    """By which a shim finds the pod's process: its pause container. Empty: the pod's id, and nobody looks for it."""
    infra: bool = False
    """It is the pod's pause container."""
    passed_annotations: dict[str, str] = field(default_factory=dict)
    """Those of the pod that the node's owner lets through to the runtime or shim."""
    userns: UserNamespace | None = None
    """The pod's user namespace, whose file is pod.namespaces.user."""
    oom_score_adj: int = 0
    """Clamped to what the daemon may set."""
