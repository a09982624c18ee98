"""Tar entries onto a tree in memory: what they would make of an empty directory, without making it.

The rules are those of extract, which has a kernel to follow links and to refuse; the layer suite runs over both.
Data stays where it is: a file knows its place. Bounded: number of nodes, bytes of names, links and attributes.
"""

from __future__ import annotations

import errno
import os
import stat
import time

from orlop.engine.storage.erofs_format import device, xattr_body
from orlop.engine.storage.extract import MAX_IMPLICIT, EntryError, normalise
from orlop.engine.storage.tar_headers import (
    BLOCK_DEVICE,
    CHAR,
    DIRECTORY,
    FIFO,
    FILE,
    HARD_LINK,
    SYMLINK,
    Entry,
    show,
)
from orlop.engine.storage.whiteouts import hidden_name, is_opaque_marker

MAX_NODES = 1_000_000
MAX_BYTES = 256 << 20
_PIECE = 128
"""Bytes that a piece of a sparse file takes in memory."""
_MAX_LINKS = 40
_NAME_MAX = 255
_OPAQUE = b"trusted.overlay.opaque"
_KINDS = {
    FILE: stat.S_IFREG,
    SYMLINK: stat.S_IFLNK,
    CHAR: stat.S_IFCHR,
    BLOCK_DEVICE: stat.S_IFBLK,
    FIFO: stat.S_IFIFO,
    DIRECTORY: stat.S_IFDIR,
}


class Node:
    """A file, directory, link or device; a file with several names is one node."""

    __slots__ = ("at", "children", "full_size", "gid", "implicit", "link", "links", "mode", "mtime_ns", "number",
                 "rdev", "size", "sparse", "uid", "xattrs")  # fmt: skip

    def __init__(self, mode: int) -> None:
        self.mode = mode
        self.uid = self.gid = self.mtime_ns = self.rdev = 0
        self.size = self.full_size = 0
        """Bytes in the archive, and bytes of the file."""
        self.at = 0
        """Where its data begins."""
        self.link = b""
        self.sparse: list[tuple[int, int]] | None = None
        self.xattrs: dict[bytes, bytes] | None = None
        self.children: dict[bytes, Node] | None = {} if stat.S_ISDIR(mode) else None
        self.implicit = False
        """A directory that no entry lists."""
        self.links = 0
        self.number = 0
        """The writer's: names in the tree, and the node id."""

    def set_xattr(self, name: bytes, value: bytes) -> None:
        """Set one."""
        if self.xattrs is None:
            self.xattrs = {}
        self.xattrs[name] = value


def _whiteout() -> Node:
    return Node(stat.S_IFCHR)


def _is_whiteout(node: Node) -> bool:
    return stat.S_ISCHR(node.mode) and node.rdev == 0


class LayerTree:
    """The tree of one layer, as its entries come."""

    def __init__(self, *, base: bool) -> None:
        """A base layer has nothing below it to be hidden: its whiteouts are left out."""
        self._base = base
        self.root = Node(stat.S_IFDIR | 0o755)
        self.root.implicit = True
        self.root.mtime_ns = self._now = time.time_ns()
        self._known = {b"": self.root}
        """Directories by path, as far as nothing has been replaced since."""
        self._hidden: set[tuple[Node, bytes]] = set()
        self._nodes = self._implicit = 1
        self._bytes = 0

    def add(self, entry: Entry, at: int) -> None:
        """One entry whose data begins `at`. Raises EntryError, TarError for a wrong whiteout."""
        path = normalise(entry.name)
        parent, _, name = path.rpartition(b"/")
        try:
            directory = self._known.get(parent) or self._directory(parent)
            if len(name) > _NAME_MAX:
                raise _failure(errno.ENAMETOOLONG)
            if name.startswith(b".wh."):
                self._hide(directory, parent, name)
            elif entry.kind == DIRECTORY:
                self._list_directory(directory, path, name, entry)
            else:
                self._other(directory, path, name, entry, at)
        except OSError as error:
            raise EntryError(f"entry {show(entry.name)}: {error.strerror}", error.errno or 0) from error
        except ValueError as error:
            raise EntryError(f"entry {show(entry.name)}: {error}") from error

    def _hide(self, directory: Node, parent: bytes, marker: bytes) -> None:
        if self._base:
            return
        if is_opaque_marker(marker):
            directory.set_xattr(_OPAQUE, b"y")
            return
        name = hidden_name(parent, marker)
        if name is None:
            return
        self._hidden.add((directory, name))
        there = _children(directory).get(name)
        if there is None:
            self._put(directory, name, _whiteout())
        elif there.children is not None:
            there.set_xattr(_OPAQUE, b"y")

    def _list_directory(self, directory: Node, path: bytes, name: bytes, entry: Entry) -> None:
        node: Node | None = self.root if path == b"/" else _children(directory).get(name)
        if node is None or node.children is None:
            node = self._make_directory(directory, name)
        node.implicit = False
        self._describe(node, entry)

    def _make_directory(self, directory: Node, name: bytes) -> Node:
        node = Node(stat.S_IFDIR | 0o755)
        self._put(directory, name, node)
        if (directory, name) in self._hidden:  # it must not merge with one below that the layer hides
            node.set_xattr(_OPAQUE, b"y")
        return node

    def _other(self, directory: Node, path: bytes, name: bytes, entry: Entry, at: int) -> None:
        if path == b"/":
            raise EntryError(f"entry {show(entry.name)} would replace the layer's root")
        if entry.kind == HARD_LINK:
            self._hard_link(directory, path, name, entry)
            return
        kind = _KINDS.get(entry.kind)
        if kind is None:
            raise EntryError(f"entry {show(entry.name)} has the unknown type {entry.kind!r}")
        node = Node(kind)
        if kind == stat.S_IFREG:
            node.at, node.size, node.sparse = at, entry.size, entry.sparse
            node.full_size = entry.size if entry.sparse is None else entry.full_size
            self._charge(_PIECE * len(entry.sparse or ()))
        elif kind == stat.S_IFLNK:
            if not entry.link:
                raise _failure(errno.ENOENT)
            node.link = entry.link
            self._charge(len(entry.link))
        else:
            node.rdev = device(entry.major, entry.minor)
        self._describe(node, entry)
        self._put(directory, name, node)

    def _hard_link(self, directory: Node, path: bytes, name: bytes, entry: Entry) -> None:
        target = normalise(entry.link, what=f"hard link {show(entry.name)} to")
        if target == path:
            return
        parent, _, last = target.rpartition(b"/")
        found = self._known.get(parent) or self._walk(parent, make=False)
        node = _children(found).get(last) if found is not None else None
        if node is None:
            raise EntryError(f"hard link {show(entry.name)} to {show(entry.link)}, which the layer does not have")
        if node.children is not None:
            raise _failure(errno.EPERM)
        self._put(directory, name, node)

    def _describe(self, node: Node, entry: Entry) -> None:
        """Owner, mode, time and attributes, as far as they are the image's to set (see extract)."""
        kind = stat.S_IFMT(node.mode)
        node.mode = kind | (0o777 if kind == stat.S_IFLNK else entry.mode)
        node.uid, node.gid, node.mtime_ns = entry.uid, entry.gid, entry.mtime_ns
        plain = kind in (stat.S_IFREG, stat.S_IFDIR)
        for text, value in entry.xattrs.items():
            if text.startswith("trusted.overlay.") or text == "security.selinux":
                continue
            if plain or not text.startswith("user."):  # which only files and directories can have
                name = os.fsencode(text)
                _check_xattr(name, value)
                node.set_xattr(name, value)
                self._charge(len(name) + len(value))
        if node.xattrs:
            xattr_body(node.xattrs)

    def _put(self, directory: Node, name: bytes, node: Node) -> None:
        children = _children(directory)
        there = children.get(name)
        if there is not None and (there.children is not None or there.link):
            self._known = {b"": self.root}  # a directory, or the way to one, has gone
        children[name] = node
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise EntryError(f"more than {MAX_NODES} files are in the layer")
        self._charge(len(name))

    def _charge(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MAX_BYTES:
            raise EntryError(
                f"names, links, attributes and sparse files of the layer take more than {MAX_BYTES >> 20} MiB"
            )

    def _directory(self, path: bytes) -> Node:
        """The directory that an entry goes into: missing ones are made, links are followed inside the root."""
        node = self._walk(path, make=True)
        assert node is not None
        self._known[path] = node
        return node

    def _walk(self, path: bytes, *, make: bool) -> Node | None:
        trail = [self.root]
        followed = 0
        todo = path.split(b"/")[::-1]
        while todo:
            part = todo.pop()
            if part in (b"", b"."):
                continue
            if part == b"..":
                trail = trail[:-1] or trail
                continue
            node = _children(trail[-1]).get(part)
            if node is not None and node.link:
                followed += 1
                if followed > _MAX_LINKS:
                    raise _failure(errno.ELOOP)
                trail = [self.root] if node.link.startswith(b"/") else trail
                todo += node.link.split(b"/")[::-1]
                continue
            if node is None or _is_whiteout(node):
                if not make:
                    return None
                node = self._make_implicit(trail[-1], part)
            if node.children is None:
                raise _failure(errno.ENOTDIR)
            trail.append(node)
        return trail[-1]

    def _make_implicit(self, directory: Node, name: bytes) -> Node:
        if len(name) > _NAME_MAX:
            raise _failure(errno.ENAMETOOLONG)
        self._implicit += 1
        if self._implicit > MAX_IMPLICIT:
            raise EntryError(f"more than {MAX_IMPLICIT} directories are not listed in the layer")
        node = self._make_directory(directory, name)
        if directory.mode & stat.S_ISGID:  # inode(7)
            node.mode, node.gid = node.mode | stat.S_ISGID, directory.gid
        node.implicit = True
        node.mtime_ns = self._now
        return node


def _children(node: Node) -> dict[bytes, Node]:
    assert node.children is not None
    return node.children


def _failure(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _check_xattr(name: bytes, value: bytes) -> None:
    """What the kernel would refuse to set, and what it could not read."""
    if name.startswith(b"system.posix_acl_") and (value[:4] != b"\2\0\0\0" or len(value) % 8 != 4):
        raise _failure(errno.EINVAL)
