"""What the network must know about a pod: the attachment. Turning it into environment and stdin is in request.py."""

import re
from dataclasses import dataclass, field

from orlop.model.errors import InvalidArgument
from orlop.model.pod import DNSConfig, PortMapping

_POD_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")
_IFNAME = re.compile(r"[^/:\s]{1,15}")
_ARGUMENT = re.compile(r"[^;=\s]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A pod and its interface. pod_id and ifname together identify it to plugins."""

    pod_id: str
    namespace: str = ""
    """Kubernetes namespace of the pod."""
    name: str = ""
    uid: str = ""
    netns: str = ""
    """Path of the pod's network namespace. It may have gone when the pod is removed."""
    ifname: str = "eth0"
    port_mappings: tuple[PortMapping, ...] = ()
    annotations: dict[str, str] = field(default_factory=dict)
    dns: DNSConfig | None = None
    cgroup_path: str = ""
    """The pod's cgroup below the cgroup root."""

    def __post_init__(self) -> None:
        """These become file names and environment variables of other programs, hence the strict letters."""
        if not _POD_ID.fullmatch(self.pod_id):
            raise InvalidArgument(f"pod id {self.pod_id!r} cannot be used as a CNI container id")
        if not _IFNAME.fullmatch(self.ifname) or self.ifname in (".", ".."):
            raise InvalidArgument(f"{self.ifname!r} cannot be the name of an interface")
        for label, value in (("namespace", self.namespace), ("name", self.name), ("uid", self.uid)):
            if not _ARGUMENT.fullmatch(value):
                raise InvalidArgument(f"pod {label} {value!r} has a character that CNI_ARGS cannot carry")

    @property
    def pod(self) -> str:
        """The pod's name for messages."""
        return f"{self.namespace}/{self.name}" if self.name else self.pod_id[:12]
