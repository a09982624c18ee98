"""Containers made from checkpoints: what CreateContainer finds when its image is one, and how its start goes.

Such a container is created without any process: the processes of the checkpoint go on when it is started.
"""

import asyncio
import os
import time

import msgspec

from orlop.aio.threads import offload
from orlop.engine.checkpoint import files
from orlop.engine.state.table import ContainerEntry
from orlop.engine.storage.changes import Changes
from orlop.linux.files import ensure_dir, remove_tree
from orlop.model.container import ContainerConfig, ContainerRecord
from orlop.model.errors import FailedPrecondition, InvalidArgument, NotFound, Unsupported
from orlop.model.image import ImageRecord
from orlop.model.pod import PodRecord
from orlop.services import exits
from orlop.services.carriers.choice import carrier_of
from orlop.services.deck import Deck
from orlop.services.naming import new_id

CONFIG = "config.json"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint that is ours to use: a copy in a directory of its own."""

    directory: str
    image: ImageRecord
    """What lies below its changes."""
    changes: Changes


def is_archive(deck: Deck, config: ContainerConfig) -> bool:
    """Whether the image is a path on the node, which no reference to an image can be."""
    return os.path.isabs(config.image.image)


async def take(deck: Deck, pod: PodRecord, config: ContainerConfig, path: str) -> Source:
    """A copy of a checkpoint, an archive or a directory. The caller removes the directory, whatever happens then.

    Raises InvalidArgument, NotFound, FailedPrecondition or Unsupported.
    """
    if not deck.settings.restore:
        raise FailedPrecondition(
            f"image {path!r} is a path: checkpoints are restored where checkpoint.restore is set in the configuration"
        )
    await deck.criu.require()
    if pod.namespaces.user:
        raise Unsupported("a checkpoint cannot be restored into a user namespace")
    if config.tty:
        raise Unsupported("a checkpoint cannot be restored with a terminal")
    directory = deck.settings.checkpoint_dir(new_id())
    try:
        await offload(ensure_dir, directory, 0o700)
        try:
            await offload(files.copy if os.path.isdir(path) else files.unpack, path, directory)  # noqa: ASYNC240
        except FileNotFoundError as error:
            raise NotFound(f"there is no checkpoint {path!r}") from error
        return await _source(deck, directory)
    except BaseException:
        await offload(remove_tree, directory)
        raise


async def _source(deck: Deck, directory: str) -> Source:
    dump = await offload(files.read_config, directory)
    if not os.path.isfile(os.path.join(directory, files.IMAGES, "inventory.img")):  # noqa: ASYNC240 - a stat
        raise InvalidArgument("the checkpoint has no images of CRIU")
    for name in filter(None, (dump.rootfs_image_ref, dump.rootfs_image_name, dump.rootfs_image)):
        try:
            image = await deck.images.find(name)
        except InvalidArgument:
            continue
        if image is not None:
            tar = os.path.join(directory, files.DIFF)
            there = os.path.isfile(tar)  # noqa: ASYNC240 - a stat
            changes = Changes(tar if there else "", await offload(files.read_deleted, directory))
            return Source(directory=directory, image=image, changes=changes)
    raise NotFound(f"the checkpoint's image {dump.rootfs_image_name or dump.rootfs_image_ref!r} is not on this node")


async def require_image(deck: Deck, source: Source, config: ContainerConfig) -> None:
    """RestorePod's configuration names an image as if nothing was restored: it must be the checkpoint's.

    Raises NotFound or InvalidArgument.
    """
    name = config.image.image_ref or config.image.image
    image = await deck.images.find(name) if name else None
    if image is None:
        raise NotFound(f"image {name!r} is not on this node: pull it first")
    if image.id != source.image.id:
        raise InvalidArgument(f"image {name!r} is {image.id}, and the checkpoint was made of {source.image.id}")


def require_command(source: Source, bundle: str) -> None:
    """Raise InvalidArgument where the request's command line is not that of the checkpoint's first process."""
    there, asked = (files.read_spec(*where).process.get("args") for where in ((source.directory,), (bundle, CONFIG)))
    if there != asked:
        raise InvalidArgument(f"its command is {asked}, and the checkpoint's is {there}")


def require_mounts(source: Source, bundle: str) -> None:
    """CRIU puts each mount back where it was: all must be there. Raises FailedPrecondition naming those missing."""
    wanted = {str(m.get("destination")) for m in files.read_spec(source.directory).mounts if m.get("type") == "bind"}
    there = {str(m.get("destination")) for m in files.read_spec(bundle, CONFIG).mounts}
    if missing := sorted(wanted - there):
        raise FailedPrecondition(f"the checkpoint was made with mounts that the request lacks: {', '.join(missing)}")


async def start(deck: Deck, entry: ContainerEntry) -> None:
    """Let the processes of the checkpoint go on."""
    record = entry.record
    pod = deck.state.pods.get(record.pod_id).record
    monitored = await carrier_of(deck, record).restore(pod, record)
    deck.state.containers.update(
        record.id,
        pid=monitored.pid,
        pid_start=monitored.pid_start,
        monitor_pid=monitored.monitor_pid,
        monitor_start=monitored.monitor_start,
        started_at=time.time_ns(),
    )
    deck.monitor_watch.watch(record.id, monitored.monitor_pid, monitored.monitor_start)
    await deck.namespaces.name_host(pod.id, pod.config)
    # As large as its memory, and of no use any more.
    deck.background.spawn(offload(remove_tree, record.checkpoint), f"checkpoint of {record.id}")


def waits(entry: ContainerEntry) -> bool:
    """Whether it is made, and its processes have not been restored yet: it has no monitor."""
    return bool(entry.record.checkpoint) and entry.status.made and not entry.status.monitor_pid


def follow(deck: Deck, record: ContainerRecord) -> None:
    """Its end can be waited for; there is no monitor to be watched."""
    deck.exited[record.id] = asyncio.Event()


async def recover(deck: Deck, entry: ContainerEntry) -> None:
    """A daemon may have died while it was restored: what came of it is taken apart, and it waits again."""
    record = entry.record
    follow(deck, record)
    carrier = carrier_of(deck, record)
    await carrier.kill_unfinished(record)
    if carrier.has_record(record):
        await exits.kill_leftovers(deck, record)
        await carrier.delete(record)
