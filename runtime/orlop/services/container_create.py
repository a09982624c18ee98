"""CreateContainer: from the kubelet's wish to a created, not yet started, container under its monitor.

The parts are made in order, each with its undo; a failure, a crash or a full disk on the way leaves nothing behind.
What is put into the bundle is in container_bundle.
"""

import os
from dataclasses import dataclass, field

import msgspec

from orlop.aio.threads import offload
from orlop.aio.undo import UndoStack
from orlop.engine.monitor.conmon import Monitored
from orlop.engine.oci import idmapped, selinux
from orlop.engine.state.table import ContainerEntry, PodEntry
from orlop.engine.storage.rootfs import RootIdmap
from orlop.linux import null_device
from orlop.linux.files import ensure_dir, remove_tree
from orlop.model.base import to_json
from orlop.model.container import ContainerConfig, ContainerRecord, ContainerStatus, LinuxContainerUser
from orlop.model.enums import ContainerEventType, PodSandboxState
from orlop.model.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from orlop.model.image import ImageRecord
from orlop.model.pod import PodRecord
from orlop.model.resources import LinuxContainerResources
from orlop.services import container_bundle, events, image_volumes, nri, nri_ends, restoring
from orlop.services.carriers.choice import carrier_of
from orlop.services.container_remove import remove_files
from orlop.services.deck import Deck, Handler
from orlop.services.exits import follow, unfollow
from orlop.services.faults import told
from orlop.services.naming import container_key, container_title, free
from orlop.services.steps import Steps
from orlop.services.unfinished import take_container_apart


async def create_container(deck: Deck, pod_id: str, config: ContainerConfig, checkpoint: str = "") -> str:
    """Create a container in a ready pod; the answer is its id.

    checkpoint: path of one that its processes are restored from; a path as its image says the same.
    Asked again with the same name, attempt and configuration it joins the work or returns the container that is there.
    """
    pod = deck.state.pods.find(pod_id)
    if not config.metadata.name:
        raise InvalidArgument("config.metadata.name is empty: a container needs a name")
    title = container_title(config.metadata, pod.record.config.metadata)
    key = container_key(pod.record.id, config.metadata)
    if not checkpoint and restoring.is_archive(deck, config):
        checkpoint = config.image.image
    asked = to_json(config) + checkpoint.encode()
    return await deck.making.join(key, title, asked, lambda steps: _create(deck, pod, config, checkpoint, steps))


async def _create(deck: Deck, pod: PodEntry, config: ContainerConfig, checkpoint: str, steps: Steps) -> str:
    with told(steps):
        steps.enter("check the request")
        key = container_key(pod.record.id, config.metadata)
        if (there := deck.container_names.get(key)) is not None:
            if deck.state.containers.get(there).status.made:
                return _same(deck, there, config)
            steps.enter("remove what a daemon that died has left of it")
            await take_container_apart(deck, there)
        if not pod.status.made:
            raise FailedPrecondition(f"pod sandbox {pod.record.id} is not ready: it is still being made")
        require_ready(deck, pod)
        _require_privilege(pod, config)
        handler = deck.handler(pod.record.handler)
        volumes = await image_volumes.find(deck, config)
        if not checkpoint:
            image = await _image(deck, config)
            record = container_bundle.plan(deck, pod.record, config, image, handler, volumes)
            await make(deck, pod, record, image, handler, steps, volumes)
            return record.id
        steps.enter("read the checkpoint")
        source = await restoring.take(deck, pod.record, config, checkpoint)
        try:
            if not restoring.is_archive(deck, config):
                await restoring.require_image(deck, source, config)
            record = container_bundle.plan(deck, pod.record, config, source.image, handler, volumes)
            record = msgspec.structs.replace(record, checkpoint=source.directory)
            await make(deck, pod, record, source.image, handler, steps, volumes, source)
        except BaseException:
            await offload(remove_tree, source.directory)
            raise
        return record.id


async def make(
    deck: Deck,
    pod: PodEntry,
    record: ContainerRecord,
    image: ImageRecord | None,
    handler: Handler,
    steps: Steps,
    volumes: tuple[image_volumes.Found, ...] = (),
    source: restoring.Source | None = None,
) -> None:
    """Make every part of a planned container. Without an image it is the pod's pause process.

    From a checkpoint (source) it is made without processes: they come with its start.
    """
    wanted = selinux.labels(pod.record, record.config.linux.security_context, deck.facts)
    selinux.require_known(deck.facts, wanted.process, wanted.mount)
    require_ready(deck, pod)  # at the same instant: a stop from here on knows of the container and waits for it
    async with UndoStack() as undo:
        _reserve(deck, record, undo)
        parts = _Parts(deck, pod, deck.state.containers.get(record.id), image, handler, steps, undo, volumes, source)
        ensure_dir(record.bundle, 0o700)
        undo.add(f"remove {record.bundle}", lambda: remove_files(deck, record))
        if record.log_path:
            # The kubelet's directory: where it exists, its mode is the kubelet's business.
            os.makedirs(os.path.dirname(record.log_path), exist_ok=True)
        monitored = await (parts.without_processes(source) if source else parts.monitored())
        null_device.restore()  # nothing of the container's own has run yet
        await offload(idmapped.unstage, container_bundle.staging(record))
        require_ready(deck, pod)
        _record_made(deck, parts.entry.record, monitored, parts.user, parts.limits)
        events.container_event(deck, parts.entry, ContainerEventType.CONTAINER_CREATED_EVENT)
        if source:
            restoring.follow(deck, parts.entry.record)
        else:
            follow(deck, record.id, monitored)
        deck.building.discard(record.id)
    if not record.infra:
        await deck.plugins.created(pod, parts.entry)


@dataclass
class _Parts:
    """What a container is made of, each part with its undo."""

    deck: Deck
    pod: PodEntry
    entry: ContainerEntry
    image: ImageRecord | None
    handler: Handler
    steps: Steps
    undo: UndoStack
    volumes: tuple[image_volumes.Found, ...]
    source: restoring.Source | None
    user: LinuxContainerUser = field(default_factory=LinuxContainerUser)
    limits: LinuxContainerResources = field(default_factory=LinuxContainerResources)

    async def monitored(self) -> Monitored:
        """The container, created under its monitor, which is started while the bundle is filled."""
        return await carrier_of(self.deck, self.entry.record).create(
            self.pod.record, self.entry.record, self._completed
        )

    async def without_processes(self, source: restoring.Source) -> Monitored:
        """Of a checkpoint: only the bundle."""
        await self._fill()
        self.steps.enter("compare it with its checkpoint")
        record = self.entry.record
        if not restoring.is_archive(self.deck, record.config):
            await offload(restoring.require_command, source, record.bundle)
        await offload(restoring.require_mounts, source, record.bundle)
        return Monitored(pid=0, pid_start=0, monitor_pid=0, monitor_start=0)

    async def _completed(self) -> ContainerRecord:
        await self._fill()
        record = self.entry.record
        carrier = carrier_of(self.deck, record)
        self.steps.enter("create the container with its monitor")
        self.undo.add(f"delete {record.id} from {record.handler}", lambda: carrier.delete(record))
        return record

    async def _fill(self) -> None:
        """Everything in the bundle: root filesystem, volumes, config.json, and what plugins make of that."""
        deck, pod, record, steps = self.deck, self.pod, self.entry.record, self.steps
        steps.enter("prepare the root filesystem")
        self.undo.add(f"release the root filesystem of {record.id}", lambda: deck.roots.release(record.id))
        layers, idmap = self.image.layers if self.image else (), _root_idmap(pod.record)
        changes = self.source.changes if self.source else None
        label = selinux.labels(pod.record, record.config.linux.security_context, deck.facts).mount
        root = await deck.roots.prepare(record.id, layers, idmap=idmap, changes=changes, label=label)
        steps.enter("mount its image volumes")
        mounts = await image_volumes.mount_all(deck, record, self.volumes, idmap, label)
        steps.enter("write the OCI configuration")
        self.user = await offload(
            container_bundle.write, deck, pod.record, record, self.image, self.handler, root.path, mounts
        )
        self.limits = record.config.linux.resources
        if not record.infra:
            steps.enter("ask the NRI plugins")
            self.undo.add("tell the NRI plugins that it is gone", lambda: nri_ends.removed(deck, self.entry))
            self.limits = await nri.adjust(deck, pod, self.entry)


def _root_idmap(pod: PodRecord) -> RootIdmap | None:
    userns = container_bundle.pod_userns(pod)
    return RootIdmap(pod.namespaces.user, userns.uids[0].host_id, userns.gids[0].host_id) if userns else None


def require_ready(deck: Deck, pod: PodEntry) -> None:
    """Raise FailedPrecondition where the pod is being or has been stopped, also meanwhile, or has lost a part."""
    stopping = deck.ending.running(f"stop pod {pod.record.id}")
    if stopping or pod.status.state is not PodSandboxState.SANDBOX_READY:
        why = pod.status.lost or ("it is being stopped" if stopping else "it has been stopped")
        raise FailedPrecondition(f"pod sandbox {pod.record.id} is not ready: {why}")


def _require_privilege(pod: PodEntry, config: ContainerConfig) -> None:
    """A pod tells beforehand whether it may hold privileged containers (LinuxSandboxSecurityContext.privileged)."""
    wanted = config.linux.security_context.privileged
    if wanted and not pod.record.config.linux.security_context.privileged:
        raise InvalidArgument("security_context.privileged is set, but the pod sandbox is not privileged")


def _same(deck: Deck, container_id: str, config: ContainerConfig) -> str:
    entry = deck.state.containers.get(container_id)
    if entry.record.config == config:
        return container_id
    raise AlreadyExists(f"its name and attempt belong to container {container_id}, made with another configuration")


async def _image(deck: Deck, config: ContainerConfig) -> ImageRecord:
    name = config.image.image_ref or config.image.image
    if not name:
        raise InvalidArgument("config.image.image is empty: a container needs an image")
    image = await deck.images.find(name)
    if image is None:
        raise NotFound(f"image {name!r} is not on this node: pull it first")
    if image.artifact_type:
        raise InvalidArgument(f"{name!r} is no container image but an artifact of type {image.artifact_type}: it can "
                              "be mounted as an image volume")  # fmt: skip
    return image


def _reserve(deck: Deck, record: ContainerRecord, undo: UndoStack) -> None:
    """Put the container on record before anything exists, so that a crash leaves nothing unknown."""
    key = container_key(record.pod_id, record.config.metadata)
    deck.state.containers.insert(record.id, record, ContainerStatus())
    deck.building.add(record.id)
    deck.container_names[key] = record.id

    def forget() -> None:
        deck.building.discard(record.id)
        unfollow(deck, record.id)
        free(deck.container_names, key, record.id)
        if undo.failures:
            # Parts are left: the record stays, unseen by the kubelet, and the garbage service goes on from it.
            deck.garbage_wanted.set()
        else:
            deck.state.containers.delete(record.id)

    undo.add(f"forget container {record.id}", forget)


def _record_made(
    deck: Deck, record: ContainerRecord, monitored: Monitored, user: LinuxContainerUser, limits: LinuxContainerResources
) -> None:
    deck.state.containers.update(
        record.id,
        made=True,
        pid=monitored.pid,
        pid_start=monitored.pid_start,
        monitor_pid=monitored.monitor_pid,
        monitor_start=monitored.monitor_start,
        resources=limits,
        user=user,
    )
