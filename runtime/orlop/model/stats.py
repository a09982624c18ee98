"""Usage figures of containers, pods and filesystems, as the CRI reports them. None means: the kernel does not tell."""

import msgspec

from orlop.model.base import Value
from orlop.model.container import ContainerMetadata
from orlop.model.pod import PodSandboxMetadata


class PsiData(Value):
    """One line of a pressure file: microseconds stalled and the kernel's three averages in percent."""

    total: int = msgspec.field(default=0, name="Total")
    avg10: float = msgspec.field(default=0.0, name="Avg10")
    avg60: float = msgspec.field(default=0.0, name="Avg60")
    avg300: float = msgspec.field(default=0.0, name="Avg300")


class PsiStats(Value):
    """A pressure file (psi.rst)."""

    full: PsiData | None = msgspec.field(default=None, name="Full")
    some: PsiData | None = msgspec.field(default=None, name="Some")


class CpuUsage(Value):
    """CPU time since the cgroup exists."""

    timestamp: int = 0
    usage_core_nano_seconds: int | None = None
    usage_nano_cores: int | None = None
    """Average since the previous reading, in nanoseconds of CPU per second."""
    psi: PsiStats | None = None


class MemoryUsage(Value):
    """Memory of a cgroup, in bytes."""

    timestamp: int = 0
    working_set_bytes: int | None = None
    available_bytes: int | None = None
    usage_bytes: int | None = None
    rss_bytes: int | None = None
    page_faults: int | None = None
    major_page_faults: int | None = None
    psi: PsiStats | None = None


class SwapUsage(Value):
    """Swap of a cgroup, in bytes."""

    timestamp: int = 0
    swap_available_bytes: int | None = None
    swap_usage_bytes: int | None = None


class IoUsage(Value):
    """I/O pressure."""

    timestamp: int = 0
    psi: PsiStats | None = None


class ProcessUsage(Value):
    """Number of processes in a pod."""

    timestamp: int = 0
    process_count: int | None = None


class NetworkInterfaceUsage(Value):
    """Counters of one interface."""

    name: str = ""
    rx_bytes: int | None = None
    rx_errors: int | None = None
    tx_bytes: int | None = None
    tx_errors: int | None = None


class NetworkUsage(Value):
    """Counters of a pod's interfaces but loopback."""

    timestamp: int = 0
    default_interface: NetworkInterfaceUsage | None = None
    interfaces: tuple[NetworkInterfaceUsage, ...] = ()


class FilesystemIdentifier(Value):
    """Names a filesystem by a path on it."""

    mountpoint: str = ""


class FilesystemUsage(Value):
    """Space that something takes on a filesystem."""

    timestamp: int = 0
    fs_id: FilesystemIdentifier = FilesystemIdentifier()
    used_bytes: int | None = None
    inodes_used: int | None = None


class ContainerAttributes(Value):
    """Whose figures these are."""

    id: str
    metadata: ContainerMetadata
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class ContainerStats(Value):
    """Usage of one container."""

    attributes: ContainerAttributes
    cpu: CpuUsage | None = None
    memory: MemoryUsage | None = None
    writable_layer: FilesystemUsage | None = None
    swap: SwapUsage | None = None
    io: IoUsage | None = None


class ContainerStatsFilter(Value):
    """Which containers to report; all given conditions must hold."""

    id: str = ""
    pod_sandbox_id: str = ""
    label_selector: dict[str, str] = {}


class PodSandboxAttributes(Value):
    """Whose figures these are."""

    id: str
    metadata: PodSandboxMetadata
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class LinuxPodSandboxStats(Value):
    """Usage of one pod on Linux."""

    cpu: CpuUsage | None = None
    memory: MemoryUsage | None = None
    network: NetworkUsage | None = None
    process: ProcessUsage | None = None
    containers: tuple[ContainerStats, ...] = ()
    io: IoUsage | None = None


class PodSandboxStats(Value):
    """Usage of one pod."""

    attributes: PodSandboxAttributes
    linux: LinuxPodSandboxStats


class PodSandboxStatsFilter(Value):
    """Which pods to report; all given conditions must hold."""

    id: str = ""
    label_selector: dict[str, str] = {}
