"""`BlobStore`: manifests and configurations, each a file named by its digest, and layers where they are to be kept."""

import os
from collections.abc import Callable, Collection

from orlop.aio.threads import offload
from orlop.engine.storage import digests
from orlop.linux.files import ensure_dir, read_bytes, remove_file, write_atomic
from orlop.model.errors import DataLoss, NotFound, ResourceExhausted


class BlobStore:
    """Small content-addressed files in <root_dir>/blobs/<algorithm>/<hex>."""

    def __init__(self, root_dir: str) -> None:
        self._root = os.path.join(root_dir, "blobs")

    def path(self, digest: str) -> str:
        """Where a blob is or would be."""
        return os.path.join(self._root, digests.algorithm(digest), digests.hexadecimal(digest))

    async def put(self, digest: str, data: bytes) -> None:
        """Store verified bytes, synced. Success means that they are here, not that this call wrote them."""
        await offload(self._put, digest, data)

    def _put(self, digest: str, data: bytes) -> None:
        path = self.path(digest)
        try:
            ensure_dir(os.path.dirname(path), 0o700)
            write_atomic(path, data, 0o600, sync=True)
        except OSError as error:
            raise ResourceExhausted(f"cannot write {path}: {error.strerror}") from error

    def adopt(self, digest: str, path: str) -> None:
        """Take a file of verified content, on the same filesystem, into the store. Blocks."""
        target = self.path(digest)
        try:
            ensure_dir(os.path.dirname(target), 0o700)
            with open(path, "rb") as file:
                os.fsync(file.fileno())
            os.replace(path, target)
        except OSError as error:
            raise ResourceExhausted(f"cannot move {path} to {target}: {error.strerror}") from error

    async def read(self, digest: str) -> bytes:
        """A blob, verified again. Raises NotFound, or DataLoss when the disk has damaged it."""
        return await offload(self.read_now, digest)

    def read_now(self, digest: str) -> bytes:
        """The same, blocking."""
        path = self.path(digest)
        try:
            data = read_bytes(path)
        except FileNotFoundError as error:
            raise NotFound(f"blob {digest} is not in the store") from error
        if digests.of(data, like=digest) != digest:
            raise DataLoss(f"{path} is damaged: its content has another digest")
        return data

    async def remove(self, unwanted: Collection[str]) -> None:
        """Delete blobs; those that are not here are fine."""
        await offload(self._remove, unwanted)

    def _remove(self, unwanted: Collection[str]) -> None:
        for digest in unwanted:
            remove_file(self.path(digest))

    async def sweep(self, wanted: Callable[[str], bool]) -> None:
        """At start: delete what nothing refers to, and files half-written when the machine stopped."""
        await offload(self._sweep, wanted)

    def _sweep(self, wanted: Callable[[str], bool]) -> None:
        for algorithm in self._entries(self._root):
            directory = os.path.join(self._root, algorithm)
            for name in self._entries(directory):
                if not wanted(f"{algorithm}:{name}"):
                    remove_file(os.path.join(directory, name))

    def digests(self) -> list[str]:
        """All blobs, blocking."""
        found = [
            f"{algorithm}:{name}"
            for algorithm in self._entries(self._root)
            for name in self._entries(os.path.join(self._root, algorithm))
        ]
        return [digest for digest in found if digests.is_digest(digest)]

    @staticmethod
    def _entries(directory: str) -> list[str]:
        try:
            return os.listdir(directory)
        except FileNotFoundError:
            return []
