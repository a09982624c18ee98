"""The CRI's enums with its own names and numbers (api.proto of runtime.v1)."""

from enum import IntEnum


class Protocol(IntEnum):
    """Transport protocol of a port mapping."""

    TCP = 0
    UDP = 1
    SCTP = 2


class MountPropagation(IntEnum):
    """How mounts made later travel between host and container (mount_namespaces(7))."""

    PROPAGATION_PRIVATE = 0
    PROPAGATION_HOST_TO_CONTAINER = 1
    PROPAGATION_BIDIRECTIONAL = 2


class NamespaceMode(IntEnum):
    """Whose namespace a container joins: the pod's, one of its own, the node's, or another container's."""

    POD = 0
    CONTAINER = 1
    NODE = 2
    TARGET = 3


class SupplementalGroupsPolicy(IntEnum):
    """Whether groups found in the image's /etc/group are added to the requested ones (KEP-3619)."""

    Merge = 0
    Strict = 1


class ProfileType(IntEnum):
    """Source of a seccomp or AppArmor profile."""

    RuntimeDefault = 0
    Unconfined = 1
    Localhost = 2


class PodSandboxState(IntEnum):
    """Derived state of a pod sandbox."""

    SANDBOX_READY = 0
    SANDBOX_NOTREADY = 1


class ContainerState(IntEnum):
    """Derived state of a container."""

    CONTAINER_CREATED = 0
    CONTAINER_RUNNING = 1
    CONTAINER_EXITED = 2
    CONTAINER_UNKNOWN = 3


class ContainerEventType(IntEnum):
    """What has happened to a container or a pod sandbox."""

    CONTAINER_CREATED_EVENT = 0
    CONTAINER_STARTED_EVENT = 1
    CONTAINER_STOPPED_EVENT = 2
    CONTAINER_DELETED_EVENT = 3


class MetricType(IntEnum):
    """Whether a metric only grows."""

    COUNTER = 0
    GAUGE = 1


class CgroupDriver(IntEnum):
    """Who writes the cgroup tree: systemd through its scopes and slices, or the OCI runtime directly."""

    SYSTEMD = 0
    CGROUPFS = 1
