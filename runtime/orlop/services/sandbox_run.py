"""RunPodSandbox: cgroup, namespaces, files and network of a pod; a pause process only where a PID namespace is shared.

Each part registers its undo at once. The pod is on record before the first part exists, so that a crash in the middle
is taken apart at the next start.
"""

import time

from orlop.aio.undo import UndoStack
from orlop.engine.oci import selinux
from orlop.engine.state.table import PodEntry
from orlop.model.base import to_json
from orlop.model.enums import ContainerEventType, NamespaceMode, PodSandboxState
from orlop.model.errors import AlreadyExists, InvalidArgument, Unavailable, Unsupported
from orlop.model.pod import PodRecord, PodSandboxConfig, PodStatus
from orlop.services import events, pause, pod_cgroup
from orlop.services.deck import Deck, Handler
from orlop.services.faults import told
from orlop.services.naming import free, new_id, pod_key, pod_title
from orlop.services.network import attach
from orlop.services.sandbox_stop import let_go, release
from orlop.services.steps import Steps
from orlop.services.unfinished import take_pod_apart


async def run_pod_sandbox(deck: Deck, config: PodSandboxConfig, runtime_handler: str) -> str:
    """Make a pod sandbox; the answer is its id.

    Asked again with the same name, attempt and configuration it joins the work or returns the pod that is there.
    """
    metadata = config.metadata
    if not metadata.name or not metadata.namespace or not metadata.uid:
        raise InvalidArgument("config.metadata needs name, namespace and uid")
    handler = deck.handler(runtime_handler)
    asked = to_json(config) + runtime_handler.encode()
    return await deck.making.join(
        pod_key(metadata), pod_title(metadata), asked, lambda steps: _run(deck, config, handler, runtime_handler, steps)
    )


async def _run(deck: Deck, config: PodSandboxConfig, handler: Handler, asked_handler: str, steps: Steps) -> str:
    with told(steps):
        if (there := deck.pod_names.get(pod_key(config.metadata))) is not None:
            if deck.state.pods.get(there).status.made:
                return _same(deck, there, config, asked_handler)
            steps.enter("remove what a daemon that died has left of it")
            await take_pod_apart(deck, there)
        steps.enter("check the request")
        record = _plan(deck, config, handler, asked_handler)
        selinux.require_known(deck.facts, selinux.mount_label(record, deck.facts))
        deck.cgroups.check(config.linux.cgroup_parent)
        with deck.moves.held():  # its first container's monitor is moved soon
            async with UndoStack() as undo:
                await _make(deck, record, undo, steps)
        return record.id


async def _make(deck: Deck, record: PodRecord, undo: UndoStack, steps: Steps) -> None:
    entry = _reserve(deck, record, undo)
    steps.enter("make the pod's cgroup")
    undo.add("remove the pod's cgroup", lambda: pod_cgroup.remove(deck, record))
    await deck.cgroups.create(record.id, record.cgroup_parent)
    steps.enter("make its namespaces")
    attaching, undoing = False, Steps(steps.what)
    undo.add(
        "give back its network, namespaces and files",
        lambda: release(deck, entry, undoing) if attaching else let_go(deck, record.id, undoing),
    )
    await deck.namespaces.create(record.id, record.config)
    steps.enter("write its files")
    await deck.files.create(record.id, record.config, selinux.mount_label(record, deck.facts))
    if record.namespaces.net:
        steps.enter("set up its network")
        attaching = True
        deck.state.pods.update(record.id, ips=await attach(deck, record))
    if pause.needed(record.config, deck.handler(record.handler)):
        steps.enter("start its pause process")
        undo.add("end its pause process", lambda: pause.end(deck, record.id))
        await pause.start(deck, entry, steps)
    steps.enter("ask the NRI plugins")
    undo.add("tell the NRI plugins that it is gone", lambda: _untell(deck, entry))
    await deck.plugins.run_pod(entry)
    deck.state.pods.update(record.id, made=True)
    deck.building.discard(record.id)
    events.pod_event(
        deck, entry, ContainerEventType.CONTAINER_CREATED_EVENT, ContainerEventType.CONTAINER_STARTED_EVENT
    )


async def _untell(deck: Deck, entry: PodEntry) -> None:
    await deck.plugins.stop_pod(entry)
    await deck.plugins.remove_pod(entry)


def _same(deck: Deck, pod_id: str, config: PodSandboxConfig, asked_handler: str) -> str:
    entry = deck.state.pods.get(pod_id)
    same = entry.record.config == config and entry.record.handler_asked == asked_handler
    stopping = deck.ending.running(f"stop pod {pod_id}")
    if same and not stopping and entry.status.state is PodSandboxState.SANDBOX_READY:
        return pod_id
    why = "is not ready any more" if same else "was made with another configuration"
    raise AlreadyExists(f"its name and attempt belong to pod sandbox {pod_id}, which {why}: remove that first")


def _plan(deck: Deck, config: PodSandboxConfig, handler: Handler, asked_handler: str) -> PodRecord:
    """The pod's record; nothing is touched yet."""
    modes = config.linux.security_context.namespace_options
    if modes.network is NamespaceMode.POD:
        readiness = deck.network.readiness()
        if not readiness.ready:
            raise Unavailable(f"the network is not ready: {readiness.message}")
    pod_id = new_id()
    namespaces = deck.namespaces.paths(pod_id, config)
    if namespaces.user:
        _require_user_namespaces(deck, handler)
    return PodRecord(
        id=pod_id,
        config=config,
        handler=handler.name,
        handler_asked=asked_handler,
        created_at=time.time_ns(),
        namespaces=namespaces,
        cgroup_parent=config.linux.cgroup_parent,
        run_dir=deck.files.run_dir(pod_id),
        selinux_level=selinux.level_for(config, deck.facts, {each.record.selinux_level for each in deck.state.pods}),
    )


def _require_user_namespaces(deck: Deck, handler: Handler) -> None:
    """What Status tells of the handler (RuntimeHandlerFeatures), for clients that have not asked."""
    if not handler.features.user_namespaces:
        raise Unsupported(f"handler {handler.name} cannot run containers in a user namespace (hostUsers: false)")
    if not deck.idmaps:
        raise Unsupported("this node cannot map owners of files into a user namespace; its log says why, at the start")


def _reserve(deck: Deck, record: PodRecord, undo: UndoStack) -> PodEntry:
    linux = record.config.linux
    entry = deck.state.pods.insert(record.id, record, PodStatus(overhead=linux.overhead, resources=linux.resources))
    key = pod_key(record.config.metadata)
    deck.building.add(record.id)
    deck.pod_names[key] = record.id

    def forget() -> None:
        deck.building.discard(record.id)
        free(deck.pod_names, key, record.id)
        # With parts left the record stays, unseen by the kubelet, and the garbage service goes on from it.
        if not undo.failures:
            deck.state.pods.delete(record.id)
        # Also for a DEL that is owed: until this moment it was not the garbage service's business.
        deck.garbage_wanted.set()

    undo.add(f"forget pod {record.id}", forget)
    return entry
