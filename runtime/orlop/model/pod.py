"""Pod sandboxes: the kubelet's request, our record of it, and the status that the CRI shows.

A record is written once. A status is replaced as a whole by an update function; the state is derived, never stored:

    run ──▶ READY ──stop──▶ NOTREADY ──remove──▶ gone
              └── network or cgroup lost ──▶ NOTREADY
"""

from orlop.model.base import Value
from orlop.model.enums import PodSandboxState, Protocol
from orlop.model.resources import LinuxContainerResources
from orlop.model.security import LinuxSandboxSecurityContext, NamespaceOption


class PodSandboxMetadata(Value):
    """The pod's name as Kubernetes knows it. All four parts together are unique on a node."""

    name: str = ""
    uid: str = ""
    namespace: str = ""
    attempt: int = 0


class DNSConfig(Value):
    """Lines of the pod's resolv.conf."""

    servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


class PortMapping(Value):
    """A host port led into the pod. host_port 0 means that nothing is to be mapped."""

    protocol: Protocol = Protocol.TCP
    container_port: int = 0
    host_port: int = 0
    host_ip: str = ""


class LinuxPodSandboxConfig(Value):
    """The Linux part of a pod's configuration."""

    cgroup_parent: str = ""
    """A cgroup path (cgroupfs driver) or a slice name (systemd driver)."""
    security_context: LinuxSandboxSecurityContext = LinuxSandboxSecurityContext()
    sysctls: dict[str, str] = {}
    overhead: LinuxContainerResources | None = None
    resources: LinuxContainerResources | None = None


class PodSandboxConfig(Value):
    """What RunPodSandbox is asked for."""

    metadata: PodSandboxMetadata = PodSandboxMetadata()
    hostname: str = ""
    log_directory: str = ""
    dns_config: DNSConfig | None = None
    port_mappings: tuple[PortMapping, ...] = ()
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    linux: LinuxPodSandboxConfig = LinuxPodSandboxConfig()


class PinnedNamespaces(Value):
    """Paths of the pod's namespaces, bind-mounted by us. Empty means: the node's namespace is used."""

    net: str = ""
    ipc: str = ""
    uts: str = ""
    user: str = ""
    pid: str = ""


class PodRecord(Value):
    """A pod sandbox, as it was made. Never changes."""

    id: str
    """64 hexadecimal digits."""
    config: PodSandboxConfig
    handler: str
    """Name of the handler that runs its containers."""
    created_at: int
    """Nanoseconds since the epoch."""
    handler_asked: str = ""
    """As the request named it: empty where it left the choice to us."""
    namespaces: PinnedNamespaces = PinnedNamespaces()
    cgroup_parent: str = ""
    """The pod's cgroup as the config gave it; empty: our own default parent."""
    run_dir: str = ""
    """Volatile directory with resolv.conf, hostname and shm."""
    selinux_level: str = ""
    """Of its SELinux labels, such as "s0:c1,c2"; empty where the kernel has no SELinux."""


class PodStatus(Value):
    """What changes in a pod sandbox's life."""

    made: bool = False
    """False while its parts are being made: such a pod is not shown, and a restart takes it apart."""
    ips: tuple[str, ...] = ()
    """The first is the pod's IP."""
    stopped_at: int = 0
    """Nanoseconds since the epoch; 0 while it is ready."""
    lost: str = ""
    """Why the sandbox is not usable although nobody stopped it; empty when all is well."""
    overhead: LinuxContainerResources | None = None
    resources: LinuxContainerResources | None = None

    @property
    def state(self) -> PodSandboxState:
        """READY until stopped or lost."""
        if self.stopped_at or self.lost:
            return PodSandboxState.SANDBOX_NOTREADY
        return PodSandboxState.SANDBOX_READY


class PodSandbox(Value):
    """A pod sandbox as the CRI lists it."""

    id: str
    metadata: PodSandboxMetadata
    state: PodSandboxState
    created_at: int
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    runtime_handler: str = ""


class PodIP(Value):
    """One more address of a pod."""

    ip: str = ""


class PodSandboxNetworkStatus(Value):
    """The pod's addresses; empty for pods in the node's network."""

    ip: str = ""
    additional_ips: tuple[PodIP, ...] = ()


class Namespace(Value):
    """Namespace modes, as status reports them."""

    options: NamespaceOption = NamespaceOption()


class LinuxPodSandboxStatus(Value):
    """The Linux part of a pod's status."""

    namespaces: Namespace = Namespace()


class PodSandboxStatus(Value):
    """PodSandboxStatus of the CRI."""

    id: str
    metadata: PodSandboxMetadata
    state: PodSandboxState
    created_at: int
    network: PodSandboxNetworkStatus = PodSandboxNetworkStatus()
    linux: LinuxPodSandboxStatus = LinuxPodSandboxStatus()
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    runtime_handler: str = ""


class PodSandboxStateValue(Value):
    """A wrapped state, so that a filter can leave it out."""

    state: PodSandboxState = PodSandboxState.SANDBOX_READY


class PodSandboxFilter(Value):
    """Which pods to list; all given conditions must hold. id may be a prefix."""

    id: str = ""
    state: PodSandboxStateValue | None = None
    label_selector: dict[str, str] = {}
