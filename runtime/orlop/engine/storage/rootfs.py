"""`RootFilesystems`: a container's writable root over its image's layers.

    <root_dir>/containers/<id>/{upper,work}      what the container writes
    <root_dir>/containers/<id>/root.ext4         the root of a runtime that takes block devices, a copy
    <root_dir>/containers/<id>/layers            the chain ids below it, one a line: such layers are kept
    <state_dir>/containers/<id>/rootfs           where the overlay is mounted
    <state_dir>/containers/<id>/images/<number>  where an image that it mounts is mounted, read-only

The upper directory is not synced (`volatile`): a container does not outlive its node's reboot. Locks are the caller's:
one verb at a time for one container.
"""

import errno
import os
import re
import stat
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from orlop.aio.joining import Joining
from orlop.aio.threads import offload
from orlop.engine.storage import block
from orlop.engine.storage.changes import Changes, apply, pack
from orlop.engine.storage.layers import LayerStore
from orlop.linux import mounts
from orlop.linux.files import ensure_dir, read_text, read_text_or, remove_dir, remove_tree, write_atomic
from orlop.linux.fsinfo import small_tree_usage, tree_usage
from orlop.model.errors import FailedPrecondition, InvalidArgument, ResourceExhausted, Unsupported

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
USAGE_AGE = 10.0
"""Seconds that a count is good for; a walk that takes long is not repeated before 20 times its length."""
SMALL = 32
"""Inodes that are counted at once, in a tenth of a millisecond, where handing over to a thread costs more."""


class RootfsMount(msgspec.Struct, frozen=True):
    """Where a container's root is mounted, and the directory that takes its writes."""

    path: str
    upper: str


class RootIdmap(msgspec.Struct, frozen=True):
    """A user namespace, and the node's ids of its root."""

    userns: str
    """Namespace file."""
    uid: int
    gid: int


class _Usage(msgspec.Struct, frozen=True):
    bytes: int
    inodes: int
    good_until: float


class RootFilesystems:
    """Overlay mounts of containers."""

    def __init__(self, root_dir: str, state_dir: str, layers: LayerStore) -> None:
        self._homes = os.path.join(root_dir, "containers")
        self._mounts = os.path.join(state_dir, "containers")
        self._empty = os.path.join(root_dir, "empty")
        self._layers = layers
        self._usage: dict[str, _Usage] = {}
        self._walks: Joining[str, _Usage] = Joining("writable layer usage")
        # Searchable, not readable: a container's root in a user namespace passes through.
        ensure_dir(self._homes, 0o711)
        ensure_dir(self._empty, 0o755)

    async def prepare(
        self,
        container_id: str,
        layers: Sequence[str],
        *,
        idmap: RootIdmap | None = None,
        changes: Changes | None = None,
        label: str = "",
    ) -> RootfsMount:
        """Mount a fresh writable root over the layers (chain ids, base first; none is allowed).

        With `idmap` the layers appear with their owners mapped into a user namespace. It begins with `changes`.
        `label` is the SELinux label of all files in it.
        Whatever was there under this id is removed first. Raises FailedPrecondition when a layer is missing,
        ResourceExhausted when the mount or a directory cannot be made; then nothing is left.
        """
        self._check(container_id)
        self._require(container_id, layers)
        try:
            upper, lower = await offload(self._lay_out, container_id, layers, idmap)
            if changes is not None:
                await apply(changes, upper, lower)
            return await offload(self._mount, container_id, upper, lower, idmap, label)
        except InvalidArgument:
            await self.release(container_id)
            raise
        except OSError as error:
            await self.release(container_id)
            if idmap is not None and error.errno in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
                raise Unsupported(
                    f"the root of container {container_id} cannot be mapped into the pod's user namespace: "
                    f"this kernel, or the filesystem of {self._homes}, has no idmapped layers: {error}"
                ) from error
            raise ResourceExhausted(f"cannot make the root of container {container_id}: {error}") from error

    def _require(self, container_id: str, layers: Sequence[str]) -> None:
        for each in layers:
            if self._layers.get(each) is None:
                raise FailedPrecondition(
                    f"container {container_id} needs layer {each}, which is not here; pull its image"
                )

    def _lay_out(self, container_id: str, layers: Sequence[str], idmap: RootIdmap | None) -> tuple[str, list[str]]:
        """The upper directory, and those of the layers, topmost first."""
        self._clear(container_id)
        home = self._home(container_id)
        upper, work = os.path.join(home, "upper"), os.path.join(home, "work")
        lower = [self._layers.path(each) for each in reversed(layers)] or [self._empty]
        os.mkdir(home, 0o711)
        write_atomic(os.path.join(home, "layers"), "".join(f"{each}\n" for each in layers))
        os.mkdir(upper)
        os.mkdir(work)
        _take_after(upper, lower[0], idmap)
        return upper, lower

    def _mount(
        self, container_id: str, upper: str, lower: list[str], idmap: RootIdmap | None, label: str
    ) -> RootfsMount:
        target, work = self.path(container_id), os.path.join(self._home(container_id), "work")
        os.makedirs(target, exist_ok=True)
        if idmap is not None:
            # The container's root passes through the directory above its root filesystem by its group.
            os.chown(os.path.dirname(target), -1, idmap.gid)
            os.chmod(os.path.dirname(target), 0o710)
        with _opened(idmap) as userns:
            mounts.overlay(target, lower=lower, upper=upper, work=work, idmap_fd=userns, context=label)
        return RootfsMount(path=target, upper=upper)

    async def make_block(self, container_id: str, size: int, time_limit: float) -> str:
        """A prepared root's content as an ext4 image of so many bytes, which goes with it; returns the file's path."""
        return await block.make(self.path(container_id), self._home(container_id), size, time_limit)

    async def pack_changes(
        self, container_id: str, layers: Sequence[str], tar_path: str, skip: Collection[str]
    ) -> list[str]:
        """Write what the container has written to a tar; returns what it has deleted of its image's layers.

        skip: paths in the container where something else is mounted. It should be frozen meanwhile.
        """
        lower = [self._layers.path(each) for each in reversed(layers)]
        return await offload(pack, os.path.join(self._home(container_id), "upper"), lower, tar_path, skip)

    async def mount_image(
        self, container_id: str, number: int, layers: Sequence[str], *, idmap: RootIdmap | None = None, label: str = ""
    ) -> str:
        """Mount an image's layers (chain ids, base first) read-only for a prepared container; returns where.

        It goes with the container's root. Raises FailedPrecondition when a layer is missing, ResourceExhausted when the
        mount cannot be made.
        """
        self._check(container_id)
        self._require(container_id, layers)
        try:
            return await offload(self._mount_image, container_id, number, layers, idmap, label)
        except OSError as error:
            raise ResourceExhausted(f"cannot mount an image for container {container_id}: {error}") from error

    def _mount_image(
        self, container_id: str, number: int, layers: Sequence[str], idmap: RootIdmap | None, label: str
    ) -> str:
        kept = os.path.join(self._home(container_id), "layers")
        # Before the mount: what is mounted is never without its entry.
        write_atomic(kept, read_text(kept) + "".join(f"{each}\n" for each in layers))
        target = os.path.join(self._mounts, container_id, "images", str(number))
        os.makedirs(target)
        lower = [self._layers.path(each) for each in reversed(layers)] or [self._empty]
        if label and len(lower) == 1:
            lower.append(self._empty)  # a bind mount, which one layer would be, has no label of its own
        with _opened(idmap) as userns:
            mounts.overlay(target, lower=lower, upper=None, work=None, idmap_fd=userns, context=label)
        return target

    async def release(self, container_id: str) -> None:
        """Unmount and delete. Done twice, or for an unknown id, it does nothing. OSError: try again."""
        self._check(container_id)
        await offload(self._remove, container_id)
        self._usage.pop(container_id, None)

    def _remove(self, container_id: str) -> None:
        self._clear(container_id)
        try:
            remove_dir(os.path.dirname(self.path(container_id)))
        except OSError:
            pass  # others keep files of this container beside the mount point, and remove the directory themselves

    def _clear(self, container_id: str) -> None:
        """All but the directory that holds the mount point: a monitor may stand in it already."""
        target = self.path(container_id)
        images = os.path.join(self._mounts, container_id, "images")
        # Image volumes too, and what a creation that did not come to its end has mounted beside the root.
        mounts.unmount_below(os.path.dirname(target))
        remove_tree(images)
        remove_dir(target)
        remove_tree(self._home(container_id))

    async def usage(self, container_id: str) -> tuple[int, int]:
        """Bytes and inodes that the container has written, not older than a few seconds; (0, 0) for an unknown id."""
        usage = self._usage.get(container_id)
        if usage is None or time.monotonic() > usage.good_until:
            usage = self._looked_at(container_id) or await self._walks.do(
                container_id, lambda: self._walk(container_id)
            )
        return usage.bytes, usage.inodes

    def _looked_at(self, container_id: str) -> _Usage | None:
        """The count of a layer in which little was written, as in most; None: it takes a thread."""
        if (written := block.written(self._home(container_id))) is not None:
            return self._keep(container_id, _Usage(written, 0, time.monotonic() + USAGE_AGE))
        try:
            tree = small_tree_usage(os.path.join(self._home(container_id), "upper"), SMALL)
        except OSError:
            return None  # the walk tells it
        if tree is None:
            return None
        return self._keep(container_id, _Usage(tree.bytes, tree.inodes, time.monotonic() + USAGE_AGE))

    def _keep(self, container_id: str, usage: _Usage) -> _Usage:
        self._usage[container_id] = usage
        return usage

    async def _walk(self, container_id: str) -> _Usage:
        begun = time.monotonic()
        try:
            tree = await offload(tree_usage, os.path.join(self._home(container_id), "upper"))
        except FileNotFoundError:
            return _Usage(0, 0, 0)
        now = time.monotonic()
        return self._keep(container_id, _Usage(tree.bytes, tree.inodes, now + max(USAGE_AGE, 20 * (now - begun))))

    async def ids(self) -> tuple[str, ...]:
        """Containers that have anything here: recovery releases those that it does not know."""
        return tuple(await offload(os.listdir, self._homes))

    async def layers_in_use(self) -> frozenset[str]:
        """Chain ids under any container's root, whether this process or another made it."""
        return await offload(self._layers_in_use)

    def _layers_in_use(self) -> frozenset[str]:
        found: set[str] = set()
        for container_id in os.listdir(self._homes):
            found.update(read_text_or(os.path.join(self._home(container_id), "layers"), "").split())
        return frozenset(found)

    def path(self, container_id: str) -> str:
        """Where a container's root is, or would be, mounted."""
        return os.path.join(self._mounts, container_id, "rootfs")

    def _home(self, container_id: str) -> str:
        return os.path.join(self._homes, container_id)

    @staticmethod
    def _check(container_id: str) -> None:
        if not _ID.fullmatch(container_id):
            raise InvalidArgument(f"{container_id!r} cannot be a container id")


@contextmanager
def _opened(idmap: RootIdmap | None) -> Iterator[int | None]:
    """The descriptor of the user namespace."""
    if idmap is None:
        yield None
        return
    userns = os.open(idmap.userns, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield userns
    finally:
        os.close(userns)


def _take_after(upper: str, lower: str, idmap: RootIdmap | None) -> None:
    """The merged root shows the upper directory's owner and mode: they must be the image's, mapped."""
    status = os.stat(lower)
    first_uid, first_gid = (idmap.uid, idmap.gid) if idmap else (0, 0)
    os.chown(upper, first_uid + status.st_uid, first_gid + status.st_gid)
    os.chmod(upper, stat.S_IMODE(status.st_mode))
