"""NRI as the verbs see it (port.Plugins): events to every plugin that wants them, and what comes back as one answer."""

import asyncio
import logging
import os
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from google.protobuf.message import Message

from orlop.aio.threads import offload
from orlop.engine.nri import claims, limits, views
from orlop.engine.nri.adjust import adjusted
from orlop.engine.nri.events import Event
from orlop.engine.nri.owners import Owners
from orlop.engine.nri.plugin import Plugin, Refused
from orlop.engine.nri.port import Container, Created, Eviction, Host, Pod, Spec, Update, Updated
from orlop.engine.nri.registry import NriSettings, Registry
from orlop.engine.nri.updates import Updates, evictions
from orlop.engine.nri.v1 import changes_pb2 as changes
from orlop.engine.nri.v1 import objects_pb2 as objects
from orlop.engine.nri.v1 import requests_pb2 as requests
from orlop.model.errors import FailedPrecondition
from orlop.model.resources import LinuxContainerResources

log = logging.getLogger(__name__)

M = TypeVar("M", bound=Message)


class Nri:
    """All plugins as one. `host` is the runtime."""

    def __init__(self, settings: NriSettings, host: Host) -> None:
        self._settings = settings
        self._host = host
        self._registry = Registry(settings, self._snapshot, self._take_sync, self._take_updates)
        self._pods: dict[str, Pod] = {}
        """Pods that plugins have been asked about and that are not made yet: a plugin that joins must know them."""
        self._containers: dict[str, Container] = {}
        """The same for containers."""

    @property
    def active(self) -> bool:
        """Whether any plugin is there."""
        return bool(self._registry.plugins)

    async def start(self) -> None:
        """Start the installed plugins, and listen. Raises OSError."""
        await self._registry.start()

    async def aclose(self) -> None:
        """Let go of all plugins."""
        await self._registry.aclose()

    async def run_pod(self, pod: Pod) -> None:
        """A pod is about to be ready. Raises FailedPrecondition where a plugin refuses."""
        self._pods = {key: each for key, each in self._pods.items() if not each.status.made} | {pod.record.id: pod}
        await self._pod_event(Event.RunPodSandbox, pod)

    async def update_pod(
        self, pod: Pod, overhead: LinuxContainerResources | None, resources: LinuxContainerResources | None
    ) -> None:
        """A pod's resources are about to change. Raises FailedPrecondition where a plugin refuses."""
        if plugins := self._who(Event.UpdatePodSandbox):
            request = requests.UpdatePodSandboxRequest(pod=views.pod_message(pod))
            for given, target in ((overhead, request.overhead_linux_resources), (resources, request.linux_resources)):
                if given is not None:
                    target.CopyFrom(views.cri_limits(given))
            await self._tell(Event.UpdatePodSandbox, plugins, request)

    async def updated_pod(self, pod: Pod) -> None:
        """They have changed."""
        await self._pod_event(Event.PostUpdatePodSandbox, pod, may_refuse=False)

    async def stop_pod(self, pod: Pod) -> None:
        """A pod's containers have ended, and its network is about to go."""
        await self._pod_event(Event.StopPodSandbox, pod, may_refuse=False)

    async def remove_pod(self, pod: Pod) -> None:
        """A pod is about to be forgotten."""
        self._pods.pop(pod.record.id, None)
        await self._pod_event(Event.RemovePodSandbox, pod, may_refuse=False)

    async def create(self, pod: Pod, container: Container) -> Created:
        """A container is about to be made from the config.json of its bundle, which plugins may change.

        Raises FailedPrecondition where one refuses or two contradict each other, InvalidArgument for a bad value.
        """
        self._containers[container.record.id] = container
        plugins = self._who(Event.CreateContainer)
        if not plugins:
            return Created()
        spec = await offload(_read_whole, container.record.bundle)
        container_id = container.record.id
        owners, everything = Owners(), changes.ContainerAdjustment()
        evicted: list[Eviction] = []
        updates = Updates(owners, swap=self._settings.swap)
        before = self._container_request(pod, container, spec)
        for plugin in plugins:
            request = self._container_request(pod, container, spec)
            answer = await self._ask(plugin, Event.CreateContainer, request, requests.CreateContainerResponse)
            if answer is None:
                continue
            claims.claim(owners, container_id, answer.adjust, plugin.name)
            spec = adjusted(spec, answer.adjust, plugin.name, swap=self._settings.swap)
            claims.combine(everything, answer.adjust)
            updates.take(answer.update, plugin.name, not_for=container_id)
            evicted += evictions(answer.evict, plugin.name)
        await self._validate(before, everything, updates, owners, plugins)
        cdi = tuple(each.name for each in everything.CDI_devices)
        return Created(
            spec=spec,
            resources=limits.merged({}, everything.linux.resources, ""),
            cdi_devices=cdi,
            updates=updates.result(),
            evictions=tuple(evicted),
        )

    async def created(self, pod: Pod, container: Container) -> None:
        """A container has been made."""
        self._containers.pop(container.record.id, None)
        await self._container_event(Event.PostCreateContainer, pod, container)

    async def start_container(self, pod: Pod, container: Container) -> None:
        """A container is about to run. Raises FailedPrecondition where a plugin refuses."""
        await self._container_event(Event.StartContainer, pod, container, may_refuse=True)

    async def started(self, pod: Pod, container: Container) -> None:
        """A container runs."""
        await self._container_event(Event.PostStartContainer, pod, container)

    async def update(self, pod: Pod, container: Container, resources: Spec) -> Updated:
        """A container's limits are about to change; plugins may change how. Raises as create does."""
        plugins = self._who(Event.UpdateContainer)
        if not plugins:
            return Updated(resources=resources)
        spec = await offload(_read_spec, container.record.bundle)
        container_id = container.record.id
        evicted: list[Eviction] = []
        updates = Updates(Owners(), swap=self._settings.swap, given={container_id: resources})
        for plugin in plugins:
            request = requests.UpdateContainerRequest(
                pod=views.pod_message(pod),
                container=views.container_message(container, spec),
                linux_resources=limits.message(updates.of(container_id)),
            )
            answer = await self._ask(plugin, Event.UpdateContainer, request, requests.UpdateContainerResponse)
            if answer is not None:
                updates.take(answer.update, plugin.name)
                evicted += evictions(answer.evict, plugin.name)
        return Updated(
            resources=updates.of(container_id),
            updates=updates.result(but=container_id),
            evictions=tuple(evicted),
        )

    async def updated(self, pod: Pod, container: Container) -> None:
        """A container's limits have changed."""
        await self._container_event(Event.PostUpdateContainer, pod, container)

    async def stop(self, pod: Pod, container: Container) -> tuple[Update, ...]:
        """A container has ended; plugins may give others what it had."""
        plugins = self._who(Event.StopContainer)
        if not plugins:
            return ()
        spec = await offload(_read_spec, container.record.bundle)
        request = self._container_request(pod, container, spec)
        updates = Updates(Owners(), swap=self._settings.swap)
        for plugin in plugins:
            try:
                answer = await self._ask(plugin, Event.StopContainer, request, requests.StopContainerResponse)
                updates.take(answer.update if answer else (), plugin.name, not_for=container.record.id)
            except FailedPrecondition as error:
                log.warning("%s", error)
        return updates.result()

    async def remove(self, pod: Pod, container: Container) -> None:
        """A container is about to be forgotten, or its making has failed."""
        self._containers.pop(container.record.id, None)
        await self._container_event(Event.RemoveContainer, pod, container)

    def _who(self, event: Event) -> list[Plugin]:
        return [plugin for plugin in self._registry.plugins if plugin.wants(event)]

    async def _pod_event(self, event: Event, pod: Pod, *, may_refuse: bool = True) -> None:
        if plugins := self._who(event):
            await self._tell(event, plugins, requests.PodEvent(pod=views.pod_message(pod)), may_refuse=may_refuse)

    async def _container_event(self, event: Event, pod: Pod, container: Container, *, may_refuse: bool = False) -> None:
        if plugins := self._who(event):
            spec = await offload(_read_spec, container.record.bundle)
            await self._tell(event, plugins, self._container_request(pod, container, spec), may_refuse=may_refuse)

    def _container_request(self, pod: Pod, container: Container, spec: Spec) -> requests.ContainerEvent:
        return requests.ContainerEvent(pod=views.pod_message(pod), container=views.container_message(container, spec))

    async def _tell(
        self, event: Event, plugins: Iterable[Plugin], request: Message, *, may_refuse: bool = True
    ) -> None:
        for plugin in plugins:
            try:
                await self._ask(plugin, event, request, requests.Empty)
            except FailedPrecondition as error:
                if may_refuse:
                    raise
                log.warning("%s", error)

    async def _ask(self, plugin: Plugin, event: Event, request: Message, answer: type[M]) -> M | None:
        try:
            return await plugin.ask(event, request, answer)
        except Refused as error:
            raise FailedPrecondition(f"NRI plugin {plugin.name} refuses {event.name}: {error}") from error

    async def _validate(
        self,
        before: requests.ContainerEvent,
        everything: changes.ContainerAdjustment,
        updates: Updates,
        owners: Owners,
        asked: Sequence[Plugin],
    ) -> None:
        validators = self._who(Event.ValidateContainerAdjustment)
        if not validators:
            return
        request = requests.ValidateContainerAdjustmentRequest(
            pod=before.pod,
            container=before.container,
            adjust=everything,
            update=updates.messages(),
            owners=owners.message(),
            plugins=[changes.PluginInstance(name=plugin.base, index=plugin.index) for plugin in asked],
        )
        kind = requests.ValidateContainerAdjustmentResponse
        answers = await asyncio.gather(
            *(self._ask(plugin, Event.ValidateContainerAdjustment, request, kind) for plugin in validators)
        )
        for plugin, answer in zip(validators, answers, strict=True):
            if answer is not None and answer.reject:
                raise FailedPrecondition(f"NRI plugin {plugin.name} rejects the adjustments: {answer.reason}")

    async def _snapshot(self) -> tuple[list[objects.PodSandbox], list[objects.Container]]:
        known = self._host.known()
        pods = {pod.record.id: pod for pod in (*self._pods.values(), *known.pods)}
        containers = {each.record.id: each for each in (*self._containers.values(), *known.containers)}
        told = [views.pod_message(pod) for pod in pods.values()]
        # No await before this line: this is the instant at which the plugin joins.
        specs = await offload(lambda: [_read_spec(each.record.bundle) for each in containers.values()])
        return told, [views.container_message(*pair) for pair in zip(containers.values(), specs, strict=True)]

    async def _take_sync(self, plugin: Plugin, answer: requests.SynchronizeResponse) -> None:
        updates = Updates(Owners(), swap=self._settings.swap)
        updates.take(answer.update, plugin.name)
        for failed in await self._host.update(updates.result()):
            log.error("NRI plugin %s: container %s cannot be updated", plugin.name, failed.container_id)

    async def _take_updates(
        self, plugin: Plugin, request: requests.UpdateContainersRequest
    ) -> requests.UpdateContainersResponse:
        updates = Updates(Owners(), swap=self._settings.swap)
        updates.take(request.update, plugin.name)
        failed = await self._host.update(updates.result())
        await self._host.evict(evictions(request.evict, plugin.name))
        ids = {each.container_id for each in failed}
        return requests.UpdateContainersResponse(failed=[each for each in request.update if each.container_id in ids])


class _Whole(msgspec.Struct):
    """The parts of a config.json that plugins are told; seccomp, the largest, is not."""

    process: Spec
    mounts: list[Spec]
    linux: Spec
    annotations: dict[str, str] = {}
    hooks: Spec = {}


def _read_whole(bundle: str) -> Spec:
    with open(os.path.join(bundle, "config.json"), "rb") as file:
        return msgspec.json.decode(file.read(), type=dict[str, Any])


def _read_spec(bundle: str) -> Spec:
    """A container's config.json; empty where it is gone."""
    try:
        with open(os.path.join(bundle, "config.json"), "rb") as file:
            whole = msgspec.json.decode(file.read(), type=_Whole)
    except (OSError, msgspec.DecodeError):
        return {}
    return msgspec.structs.asdict(whole)
