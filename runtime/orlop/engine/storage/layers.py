"""`LayerStore`: layers, each in a directory named by its chain id that appears by one rename.

    <root_dir>/tmp/<random>/              a layer while it is unpacked
    <root_dir>/layers/<hex>/diff          its files, complete and synced: a lower directory for overlayfs
    <root_dir>/layers/<hex>/layer.erofs   or all of them in one image, which is mounted when it is needed
    <root_dir>/layers/<hex>/layer.json    its record, so that a lost database can be built again

A directory is complete or rubbish, and a record without one is dropped: `repair` sees to both at start. Both kinds can
be there at the same time. Unpacking is in unpacking, the mounts in layer_mounts, and what refers to layers in images.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Collection, Iterable, Sequence

import msgspec

from orlop.aio import process
from orlop.aio.process import CommandError
from orlop.aio.threads import offload, to_its_end
from orlop.engine.storage import digests, inheritance, layer_mounts
from orlop.engine.storage.layer_mounts import LayerMounts
from orlop.engine.storage.tables import LayerTable
from orlop.linux import mounts
from orlop.linux.files import (
    ensure_dir,
    read_bytes,
    remove_dir,
    remove_tree,
    sync_directory,
    sync_filesystem,
    write_atomic,
)
from orlop.model.base import from_json, to_json
from orlop.model.errors import ResourceExhausted
from orlop.model.layer import LayerRecord

log = logging.getLogger(__name__)

_LARGE = 500
"""Inodes from which on a process of its own is worth its start."""
_RM_LIMIT = 600.0


class LayerStore:
    """The layers of this node."""

    def __init__(self, root_dir: str, table: LayerTable, mounted: LayerMounts, *, packed: bool = False) -> None:
        """`packed`: new layers become one file each, where this kernel can mount it."""
        self._layers = os.path.join(root_dir, "layers")
        self._tmp = os.path.join(root_dir, "tmp")
        self.scratch = self._tmp
        """For files without a name, on the same filesystem."""
        self._table = table
        self._mounted = mounted
        self._packs: bool | None = None if packed else False
        self._asking = asyncio.Lock()
        for directory in (self._layers, self._tmp):
            ensure_dir(directory, 0o700)  # a layer may hold set-uid programs: only root comes in here

    async def packs(self) -> bool:
        """Whether a new layer becomes one file. The kernel is asked once, at the first pull."""
        async with self._asking:
            if self._packs is None:
                reason = await offload(layer_mounts.why_not, self._tmp)
                if reason:
                    log.warning('layers are unpacked although images.layers is "erofs": %s', reason)
                self._packs = not reason
        return self._packs

    def path(self, chain_id: str) -> str:
        """The layer's files: a lower directory for overlayfs. Blocks where a packed layer is to be mounted. OSError."""
        image = self.image(chain_id)
        if image is not None:
            return self._mounted.shown(digests.hexadecimal(chain_id), image)
        return os.path.join(self._home(chain_id), "diff")

    def image(self, chain_id: str) -> str | None:
        """The one file of a packed layer; None: it is an unpacked one. Blocks."""
        image = os.path.join(self._home(chain_id), layer_mounts.IMAGE)
        return image if os.path.exists(image) else None

    def _home(self, chain_id: str) -> str:
        return os.path.join(self._layers, digests.hexadecimal(chain_id))

    def get(self, chain_id: str) -> LayerRecord | None:
        """The layer's record; None when it has to be fetched."""
        return self._table.get(chain_id)

    def usage(self) -> tuple[int, int]:
        """Bytes and inodes of all layers, as counted while unpacking."""
        records = self._table.all()
        return sum(each.size for each in records), sum(each.inodes for each in records)

    @contextlib.asynccontextmanager
    async def staging(self) -> AsyncIterator[str]:
        """A fresh directory, with an empty "diff" in it; gone afterwards unless `commit` has taken it."""
        stage = _Stage(self._tmp)
        try:
            await to_its_end(offload(stage.make))
            yield stage.home
        finally:
            await asyncio.shield(offload(stage.remove))

    async def commit(self, home: str, record: LayerRecord, implicit: Sequence[str]) -> None:
        """Make a staged layer one of the store's: synced, recorded, moved into place by one rename.

        What it has not listed itself (`implicit`) takes after the layers below, which must be here by now. When another
        process has committed the same layer meanwhile, this one is left where it is.
        """
        # To its end: a cancelled pull's directory is removed next, and must not be moved into place meanwhile.
        await to_its_end(self._commit(home, record, implicit))

    async def _commit(self, home: str, record: LayerRecord, implicit: Sequence[str]) -> None:
        below = self.chain(record.parent)
        await offload(self._complete, home, record, implicit, below)
        await self._table.add(record, lambda: self._place(home, record.id))

    def chain(self, chain_id: str) -> list[str]:
        """A layer and all that are below it, topmost first."""
        found: list[str] = []
        while chain_id:
            record = self._table.get(chain_id)
            found.append(chain_id)
            chain_id = record.parent if record is not None else ""
        return found

    def _complete(self, home: str, record: LayerRecord, implicit: Sequence[str], below: Sequence[str]) -> None:
        try:
            self._inherit(home, implicit, [self.path(each) for each in below] if implicit else [])
            packed = os.path.exists(os.path.join(home, layer_mounts.IMAGE))
            write_atomic(os.path.join(home, "layer.json"), to_json(record), 0o600, sync=packed)
            if not packed:
                sync_filesystem(home)
        except OSError as error:
            raise ResourceExhausted(f"cannot complete layer {record.id} in {home}: {error.strerror}") from error

    @staticmethod
    def _inherit(home: str, implicit: Sequence[str], below: Sequence[str]) -> None:
        image, files = os.path.join(home, layer_mounts.IMAGE), os.path.join(home, "diff")
        if not os.path.exists(image):
            inheritance.inherit(files, implicit, below)
            return
        from orlop.engine.storage.erofs_inherit import inherit_packed

        remove_dir(files)
        inherit_packed(image, implicit, below)

    def _place(self, home: str, chain_id: str) -> None:
        """Inside the database's transaction, so nobody else moves this layer at the same time."""
        target = self._home(chain_id)
        if os.path.lexists(target):  # without a record: rubbish of a run that was killed
            self._move_away(target)
        os.rename(home, target)
        sync_directory(self._layers)

    def _move_away(self, path: str) -> str:
        aside = tempfile.mkdtemp(dir=self._tmp, prefix="gone-")
        os.rename(path, os.path.join(aside, "layer"))
        return aside

    async def collect(self, keep: Collection[str]) -> Sequence[LayerRecord]:
        """Remove the layers that no image needs and that nothing in `keep`, nor anything above it, stands on."""
        aside: dict[str, str] = {}

        def discard(chain_id: str) -> None:
            self._mounted.hide(digests.hexadecimal(chain_id))
            with contextlib.suppress(FileNotFoundError):
                aside[chain_id] = self._move_away(self._home(chain_id))

        removed = await self._table.remove_unused(keep, discard)
        await asyncio.gather(*(_remove(aside[each.id], each.inodes) for each in removed if each.id in aside))
        return removed

    async def repair(self) -> None:
        """At start: make records and directories agree, and remove what was being made or removed."""
        await offload(self._unmount_strangers)
        recorded = self._table.all()
        present = await offload(self._sweep)
        missing = [each for each in recorded if each.id not in present]
        for record in missing:
            log.error("layer %s is recorded, but %s is missing; it is fetched again when it is needed", record.id,
                      self._home(record.id))  # fmt: skip
        await self._table.forget([each.id for each in missing])
        for record in present.values():
            await self._adopt(record)

    def _unmount_strangers(self) -> None:
        """A kill between the end of a layer and that of its mount leaves the mount."""
        for name in self._mounted.names():
            if not os.path.exists(os.path.join(self._layers, name)):
                self._mounted.hide(name)

    async def _adopt(self, record: LayerRecord) -> None:
        """Record a complete layer; `collect` removes it again if nothing needs it."""
        try:
            await self._table.add(record, lambda: sync_directory(self._home(record.id)))
        except FileNotFoundError:
            pass  # another process has removed it since we looked

    def _sweep(self) -> dict[str, LayerRecord]:
        """The complete layers on disk; everything else is removed."""
        rubbish = list(filter(_unclaimed, (os.path.join(self._tmp, name) for name in os.listdir(self._tmp))))
        for path in rubbish:
            mounts.unmount_below(path)  # of a trial that was killed
        _remove_trees(rubbish)
        found = {}
        for name in os.listdir(self._layers):
            home = os.path.join(self._layers, name)
            record = _read_record(home, name)
            if record is None:
                remove_tree(home)
            else:
                found[record.id] = record
        return found


class _Stage:
    """A directory for a layer in the making, and a lock on it: the `repair` of another process keeps its hands off."""

    def __init__(self, parent: str) -> None:
        self.home = ""
        self._parent = parent
        self._claim = -1

    def make(self) -> None:
        """Make the directory, with an empty "diff" in it. Raises ResourceExhausted."""
        try:
            self.home = tempfile.mkdtemp(dir=self._parent)
            self._claim = os.open(self.home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._claim, fcntl.LOCK_EX)
            os.mkdir(os.path.join(self.home, "diff"), 0o755)
        except OSError as error:
            raise ResourceExhausted(f"cannot make a directory in {self._parent}: {error.strerror}") from error

    def remove(self) -> None:
        """Let go of it, and remove what is still there."""
        if self._claim >= 0:
            os.close(self._claim)
        if self.home:
            _remove_trees([self.home])


def _unclaimed(path: str) -> bool:
    """Whether no live process is unpacking into a directory."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def _read_record(home: str, name: str) -> LayerRecord | None:
    """The record beside a layer, None when there is no complete layer here."""
    try:
        record = from_json(read_bytes(os.path.join(home, "layer.json")), LayerRecord)
    except (OSError, msgspec.DecodeError) as error:
        log.warning("%s is no complete layer (%s); it is removed", home, error)
        return None
    complete = digests.hexadecimal(record.id) == name and (
        os.path.isdir(os.path.join(home, "diff")) or os.path.isfile(os.path.join(home, layer_mounts.IMAGE))
    )
    return record if complete else None


async def _remove(path: str, inodes: int) -> None:
    """Remove what was a layer. A large one by rm(1): its unlinking then neither waits for this interpreter's lock nor
    holds it, and several layers have a core each. What rm leaves or cannot do is done here."""
    if inodes > _LARGE:
        with contextlib.suppress(CommandError, OSError):
            await process.run(["rm", "-rf", "--one-file-system", "--", path], timeout=_RM_LIMIT)
    await offload(_remove_trees, [path])


def _remove_trees(paths: Iterable[str]) -> None:
    for path in paths:
        try:
            remove_tree(path)
        except OSError as error:
            log.warning("cannot remove %s: %s; it is tried again at the next start", path, error)
