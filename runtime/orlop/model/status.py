"""What the runtime says of itself (CRI Version, Status, RuntimeConfig) and what it is told (UpdateRuntimeConfig)."""

from orlop.model.base import Value
from orlop.model.enums import CgroupDriver


class VersionInfo(Value):
    """VersionResponse of the CRI."""

    version: str
    """Of the kubelet's runtime API, always "0.1.0"."""
    runtime_name: str
    runtime_version: str
    runtime_api_version: str


class RuntimeCondition(Value):
    """One condition. The kubelet requires the types RuntimeReady and NetworkReady."""

    type: str
    status: bool
    reason: str = ""
    message: str = ""


class RuntimeStatus(Value):
    """The runtime's conditions."""

    conditions: tuple[RuntimeCondition, ...] = ()


class RuntimeHandlerFeatures(Value):
    """What a handler's OCI runtime can do, as probed."""

    recursive_read_only_mounts: bool = False
    user_namespaces: bool = False


class RuntimeHandler(Value):
    """A handler; the default one is listed a second time under the empty name."""

    name: str = ""
    features: RuntimeHandlerFeatures = RuntimeHandlerFeatures()


class RuntimeFeatures(Value):
    """What the runtime itself can do, whatever the handler."""

    supplemental_groups_policy: bool = False
    user_namespaces_host_network: bool = False
    mount_options: bool = False


class StatusInfo(Value):
    """StatusResponse of the CRI."""

    status: RuntimeStatus
    info: dict[str, str] = {}
    """Only when verbose: key to JSON text."""
    runtime_handlers: tuple[RuntimeHandler, ...] = ()
    features: RuntimeFeatures = RuntimeFeatures()


class LinuxRuntimeConfiguration(Value):
    """What the kubelet adopts from the runtime."""

    cgroup_driver: CgroupDriver = CgroupDriver.SYSTEMD
