"""What happens to containers and pods, as GetContainerEvents tells it."""

from orlop.model.base import Value
from orlop.model.container import ContainerStatusView
from orlop.model.enums import ContainerEventType
from orlop.model.pod import PodSandboxStatus


class ContainerEvent(Value):
    """One event, with the whole state of its pod at that moment (CRI ContainerEventResponse)."""

    container_id: str
    """Of the container, or of the pod sandbox where it is the sandbox that something happened to."""
    container_event_type: ContainerEventType
    created_at: int
    """Nanoseconds since the epoch; grows from event to event."""
    pod_sandbox_status: PodSandboxStatus | None = None
    """None where the pod's record has gone before its container's."""
    containers_statuses: tuple[ContainerStatusView, ...] = ()
