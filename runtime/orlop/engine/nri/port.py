"""What the verbs and NRI agree on: who is told what, and what comes back. Free of protobuf and of sockets.

`Plugins` is NRI as the verbs see it; `NoPlugins` is a node without it. `Host` is the runtime as NRI sees it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from orlop.model.container import ContainerRecord, ContainerStatus
from orlop.model.pod import PodRecord, PodStatus
from orlop.model.resources import LinuxContainerResources

Spec = dict[str, Any]
"""A config.json (runtime-spec), or a part of one."""


class Pod(Protocol):
    """A pod's entry."""

    @property
    def record(self) -> PodRecord: ...
    @property
    def status(self) -> PodStatus: ...


class Container(Protocol):
    """A container's entry."""

    @property
    def record(self) -> ContainerRecord: ...
    @property
    def status(self) -> ContainerStatus: ...


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """New limits for a container that a plugin asks for."""

    container_id: str
    resources: Spec
    """linux.resources of the runtime-spec, as far as set."""
    plugins: str
    """Who asks, for messages."""
    ignore_failure: bool = False


class Eviction(msgspec.Struct, frozen=True, kw_only=True):
    """A container that a plugin wants to be stopped."""

    container_id: str
    reason: str
    plugin: str


@dataclass(frozen=True, kw_only=True)
class Created:
    """What plugins make of a container that is being created."""

    spec: Spec | None = None
    """The changed config.json; None: it stays."""
    resources: Spec = field(default_factory=dict)
    """The part of linux.resources that plugins have set."""
    cdi_devices: tuple[str, ...] = ()
    """To be injected, by their CDI names."""
    updates: tuple[Update, ...] = ()
    evictions: tuple[Eviction, ...] = ()


class Updated(msgspec.Struct, frozen=True, kw_only=True):
    """What plugins make of a container's new limits."""

    resources: Spec
    updates: tuple[Update, ...] = ()
    evictions: tuple[Eviction, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Known:
    """Every pod and container that a plugin must be told of when it joins."""

    pods: Sequence[Pod] = field(default_factory=tuple)
    containers: Sequence[Container] = field(default_factory=tuple)


class Host(Protocol):
    """The runtime as NRI sees it."""

    def known(self) -> Known:
        """All that is made, at this instant."""

    async def update(self, updates: Sequence[Update]) -> list[Update]:
        """Carry out updates; those that failed come back."""

    async def evict(self, evictions: Sequence[Eviction]) -> None:
        """Begin to stop containers."""


class Plugins(Protocol):
    """NRI as the verbs see it. Calls that may refuse raise FailedPrecondition with the plugin's name and words.

    A plugin that hangs or dies is let go of, and is no error. `*ed` and stop and remove never refuse.
    """

    @property
    def active(self) -> bool:
        """Whether any plugin is there: without one nobody has to put together what it would be told."""

    async def start(self) -> None: ...
    async def aclose(self) -> None: ...

    async def run_pod(self, pod: Pod) -> None: ...
    async def update_pod(
        self, pod: Pod, overhead: LinuxContainerResources | None, resources: LinuxContainerResources | None
    ) -> None: ...
    async def updated_pod(self, pod: Pod) -> None: ...
    async def stop_pod(self, pod: Pod) -> None: ...
    async def remove_pod(self, pod: Pod) -> None: ...

    async def create(self, pod: Pod, container: Container) -> Created: ...
    async def created(self, pod: Pod, container: Container) -> None: ...
    async def start_container(self, pod: Pod, container: Container) -> None: ...
    async def started(self, pod: Pod, container: Container) -> None: ...
    async def update(self, pod: Pod, container: Container, resources: Spec) -> Updated: ...
    async def updated(self, pod: Pod, container: Container) -> None: ...
    async def stop(self, pod: Pod, container: Container) -> tuple[Update, ...]: ...
    async def remove(self, pod: Pod, container: Container) -> None: ...


class NoPlugins:
    """A node without NRI."""

    active = False

    async def _nothing(self, *_: object) -> None:
        """Nobody is to be told."""

    start = aclose = run_pod = update_pod = updated_pod = stop_pod = remove_pod = _nothing
    created = start_container = started = updated = remove = _nothing

    async def create(self, pod: Pod, container: Container) -> Created:
        """As it is."""
        return Created()

    async def update(self, pod: Pod, container: Container, resources: Spec) -> Updated:
        """As they are."""
        return Updated(resources=resources)

    async def stop(self, pod: Pod, container: Container) -> tuple[Update, ...]:
        """Nothing else is to be changed."""
        return ()
