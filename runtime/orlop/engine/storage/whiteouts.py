"""Whiteouts of image layers (image-spec layer.md) as overlayfs has them: a 0/0 character device, an opaque directory.

A whiteout hides what is in the layers below, never what its own layer brings, in whichever order the two come.
"""

import os
import stat

from orlop.engine.storage.tar_headers import TarError, show

OPAQUE = "trusted.overlay.opaque"
_PREFIX = b".wh."
_OPAQUE_MARKER = b".wh..wh..opq"
_AUFS = b".wh..wh."
"""aufs' own bookkeeping (.wh..wh.plnk and so on) means nothing here."""


def is_opaque_marker(marker: bytes) -> bool:
    """Whether this file hides all that is in its directory below."""
    return marker == _OPAQUE_MARKER


def hidden_name(parent: bytes, marker: bytes) -> bytes | None:
    """The name that a whiteout file in a directory hides; None: it is aufs' own. Raises TarError."""
    if marker.startswith(_AUFS):
        return None
    name = marker[len(_PREFIX) :]
    if name in (b"", b".", b".."):
        raise TarError(f"{show(marker)} in {show(parent or b'/')} hides nothing")
    return name


class Whiteouts:
    """The whiteouts of one layer while it is unpacked into "/"."""

    def __init__(self, *, base: bool) -> None:
        self._base = base
        self._hidden: set[bytes] = set()
        """Names that are hidden below, whether a whiteout file stands for them or something of this layer."""

    def apply(self, parent: bytes, marker: bytes) -> None:
        """A marker file in a directory that exists."""
        if self._base:
            return
        if is_opaque_marker(marker):
            os.setxattr(parent or b"/", OPAQUE, b"y")
            return
        name = hidden_name(parent, marker)
        if name is not None:
            self._hide(parent + b"/" + name)

    def _hide(self, path: bytes) -> None:
        self._hidden.add(path)
        try:
            os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))
        except FileExistsError:
            # This layer's own file hides what is below by itself; its own directory must say so.
            self.made_directory(path)

    def made_directory(self, path: bytes) -> None:
        """A directory is here: it must not merge with one below that the layer hides."""
        if path in self._hidden and stat.S_ISDIR(os.lstat(path).st_mode):
            os.setxattr(path, OPAQUE, b"y")
