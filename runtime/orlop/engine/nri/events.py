"""The events of NRI, their numbers, and masks of them (NRI protocol v1alpha1, enum Event)."""

from enum import IntEnum


class Event(IntEnum):
    """What plugins can subscribe to. A mask has bit n-1 for event n."""

    RunPodSandbox = 1
    StopPodSandbox = 2
    RemovePodSandbox = 3
    CreateContainer = 4
    PostCreateContainer = 5
    StartContainer = 6
    PostStartContainer = 7
    UpdateContainer = 8
    PostUpdateContainer = 9
    StopContainer = 10
    RemoveContainer = 11
    UpdatePodSandbox = 12
    PostUpdatePodSandbox = 13
    ValidateContainerAdjustment = 14

    @property
    def bit(self) -> int:
        """Its mask."""
        return 1 << (self - 1)


ALL = sum(event.bit for event in Event)

STATE_CHANGES = frozenset(Event) - {
    Event.CreateContainer,
    Event.UpdateContainer,
    Event.StopContainer,
    Event.UpdatePodSandbox,
    Event.ValidateContainerAdjustment,
}
"""Events that a plugin of an older version knows only as StateChange: those without an answer."""
