"""`RootFilesystems`: a container's writable root over its image's layers."""

from collections.abc import Sequence
from dataclasses import dataclass

from orlop.engine.storage.layers import LayerStore


@dataclass(frozen=True, slots=True)
class RootfsMount:
    """Where a container's root is mounted, and the directory that takes its writes."""

    path: str
    upper: str


class RootFilesystems:
    """Overlay mounts: upper and work in <root_dir>/containers/<id>, mount point <state_dir>/containers/<id>/rootfs."""

    def __init__(self, root_dir: str, state_dir: str, layers: LayerStore) -> None:
        raise NotImplementedError

    async def prepare(self, container_id: str, layers: Sequence[str], *, idmap_fd: int | None = None) -> RootfsMount:
        """Mount a fresh writable root over the layers (chain ids, base first; none is allowed)."""
        raise NotImplementedError

    async def release(self, container_id: str) -> None:
        """Unmount and delete. Done twice, or for an unknown id, it does nothing."""
        raise NotImplementedError

    async def usage(self, container_id: str) -> tuple[int, int]:
        """Bytes and inodes that the container has written, not older than a few seconds; (0, 0) for an unknown id."""
        raise NotImplementedError

    async def ids(self) -> tuple[str, ...]:
        """Containers that have anything here: recovery releases those that it does not know."""
        raise NotImplementedError
