"""A layer as one file: the tar as it comes, then the rest of an EROFS image around it (erofs_write)."""

from __future__ import annotations

import os

from orlop.engine.storage.erofs_write import TAR_AT, ImageWriter
from orlop.engine.storage.extract import Extracted
from orlop.engine.storage.layer_tree import LayerTree

TYPE_CHECKING = False  # as in typing, without importing it
if TYPE_CHECKING:
    from orlop.engine.storage.tar_stream import TarStream

_NAME = "layer.erofs"
_FLUSH = 8 << 20


class LayerFile:
    """The file of one layer while it is written."""

    def __init__(self, directory: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._fd = os.open(os.path.join(directory, _NAME), flags, 0o600)
        self._end = self._flushed = os.lseek(self._fd, TAR_AT, os.SEEK_SET)

    def write(self, chunk: bytes) -> None:
        """The next bytes of the tar. Called by another thread than the rest."""
        view = memoryview(chunk)
        while view:
            written = os.write(self._fd, view)
            self._end += written
            view = view[written:]
        if self._end - self._flushed >= _FLUSH:
            # The kernel begins to write it, and waits for nothing: at the end little is left to be synced.
            os.posix_fadvise(self._fd, self._flushed, self._end - self._flushed, os.POSIX_FADV_DONTNEED)
            self._flushed = self._end

    def fill(self, tar: TarStream, *, base: bool) -> Extracted:
        """Read the tar to its end and complete the image."""
        tree = LayerTree(base=base)
        while (entry := tar.next_entry()) is not None:
            tree.add(entry, TAR_AT + tar.position)
        tar.drain()
        writer = ImageWriter(self._fd, tree, self._end)
        writer.write()
        os.fsync(self._fd)
        result = Extracted()
        result.size, result.inodes = os.fstat(self._fd).st_blocks * 512, 1
        result.implicit = writer.implicit
        return result
