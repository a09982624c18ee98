"""Running containers captured as checkpoints: frozen all at once, dumped one after the other, and let go on.

Where the files end up is the verbs' business (container_checkpoint, pod_checkpoint).
"""

import asyncio
import contextlib
import datetime
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence

from orlop.aio.threads import offload
from orlop.engine.checkpoint import files
from orlop.engine.checkpoint.criu import last_errors
from orlop.engine.state.table import ContainerEntry
from orlop.linux.files import ensure_dir, read_bytes, write_atomic
from orlop.model.container import ContainerRecord
from orlop.model.enums import ContainerState
from orlop.model.errors import FailedPrecondition, OrlopError, Unsupported
from orlop.services.carriers.monitored import runtime_of
from orlop.services.deck import Deck
from orlop.services.naming import container_title
from orlop.services.steps import Steps

DEFAULT_LIMIT = 600.0
"""Seconds where a request names none."""
SKIPPED = frozenset({"/dev", "/proc", "/sys", "/run", "/dev/shm"})
"""Besides what the container mounts."""
OPTIONS = {"tcp-established": "--tcp-established", "file-locks": ""}
"""Of CheckpointPod, each "true" or "false"; what CRIU does without a word is on anyway."""


async def capture(
    deck: Deck, places: Mapping[str, str], steps: Steps, *, options: Sequence[str] = (), limit: float = DEFAULT_LIMIT
) -> None:
    """Capture containers (by id) into existing empty directories, at one point of their time.

    Raises Unsupported or FailedPrecondition before anything is frozen; whatever happens, all go on at the end.
    """
    steps.enter("check that it can be checkpointed")
    await deck.criu.require()
    entries = [deck.state.containers.get(container_id) for container_id in places]
    for entry in entries:
        _require(deck, entry)
    try:
        async with asyncio.timeout(limit), contextlib.AsyncExitStack() as held:
            for entry in entries:
                await held.enter_async_context(deck.locks(entry.record.id))
                _require(deck, entry)
            steps.enter("freeze it")
            for entry in entries:
                await held.enter_async_context(_frozen(deck, entry.record))
            for entry in entries:
                steps.enter("dump its processes")
                await _dump(deck, entry.record, places[entry.record.id], options, limit)
                steps.enter("keep what it has written")
                await _keep(deck, entry, places[entry.record.id])
    except TimeoutError as error:
        raise TimeoutError(f"it took longer than {limit:g} s") from error


def _require(deck: Deck, entry: ContainerEntry) -> None:
    record = entry.record
    title = container_title(record.config.metadata, deck.pod_metadata(record.pod_id))
    if entry.status.state is not ContainerState.CONTAINER_RUNNING:
        raise FailedPrecondition(f"{title} is not running: it is {entry.status.state.name}")
    if record.shim is not None:
        raise Unsupported(f"{title}: handler {record.handler} is a shim: checkpoints are not built for those")
    if record.config.tty:
        raise Unsupported(f"{title} has a terminal, whose other end CRIU cannot dump")
    if deck.state.pods.get(record.pod_id).record.namespaces.user:
        raise Unsupported(f"{title} is in a user namespace: its writable layer cannot be carried elsewhere")


@contextlib.asynccontextmanager
async def _frozen(deck: Deck, record: ContainerRecord) -> AsyncIterator[None]:
    try:
        await offload(deck.hierarchy.freeze, record.cgroup)
        yield
    finally:
        # Whatever happened, also to this task: a container must not stay frozen.
        await asyncio.shield(offload(deck.hierarchy.thaw, record.cgroup))


async def _dump(deck: Deck, record: ContainerRecord, place: str, options: Sequence[str], limit: float) -> None:
    images = os.path.join(place, files.IMAGES)
    await offload(ensure_dir, images, 0o700)
    try:
        await runtime_of(record).checkpoint(
            record.id, images, place, search_path=deck.criu.search_path, options=options, time_limit=limit
        )
    except OrlopError as error:
        if told := await offload(last_errors, os.path.join(place, files.LOG)):
            raise type(error)(f"{error}; criu: {told}") from error
        raise


async def _keep(deck: Deck, entry: ContainerEntry, place: str) -> None:
    record = entry.record
    image = await deck.images.find(record.image_id)
    if image is None:
        raise FailedPrecondition(f"its image {record.image_id} is not on this node any more")
    spec = await offload(read_bytes, os.path.join(record.bundle, "config.json"))
    await offload(write_atomic, os.path.join(place, files.SPEC), spec, 0o600)
    mounted = {str(mount.get("destination")) for mount in files.read_spec(place).mounts}
    tar = os.path.join(place, files.DIFF)
    deleted = await deck.roots.pack_changes(record.id, image.layers, tar, SKIPPED | mounted)
    if deleted:
        files.write_json(place, files.DELETED, deleted)
    asked = record.config.image
    dump = files.ConfigDump(
        id=record.id,
        name=record.config.metadata.name,
        rootfs_image=asked.user_specified_image or asked.image,
        rootfs_image_ref=record.image_id,
        rootfs_image_name=image.tags[0] if image.tags else record.image_ref,
        runtime=record.handler,
        created_time=_rfc3339(record.created_at),
        checkpointed_time=_rfc3339(time.time_ns()),
        restored_time=_rfc3339(0),
        restored=bool(record.checkpoint),
    )
    files.write_json(place, files.CONFIG, dump)


def _rfc3339(nanoseconds: int) -> str:
    return datetime.datetime.fromtimestamp(nanoseconds / 1e9, datetime.UTC).isoformat().replace("+00:00", "Z")
