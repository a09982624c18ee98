"""A layer's tree as an EROFS image whose data is the layer's tar, in one and the same file.

    0      superblock
    4096   the tar, byte by byte as it was sent: the image's files are its members' data
    …      what cannot be used where it is: directories, targets of links, sparse files
    …      inodes: first the root and the directories that the tar does not list, in slots of 512 bytes

Those slots have room for the attributes that such a directory takes over from the layers below, when all are here
(erofs_inherit). Blocks and inodes are made by erofs_format.
"""

from __future__ import annotations

import os
import stat

from orlop.engine.storage import erofs_format as fmt
from orlop.engine.storage.extract import EntryError

TYPE_CHECKING = False  # as in typing, without importing it
if TYPE_CHECKING:
    from orlop.engine.storage.layer_tree import LayerTree, Node

TAR_AT = 4096
ROOT_SLOT, FIRST_SLOT = 512, 512 + 4096
"""In the metadata. No node has the id 0; the root's slot has room for attributes of its own."""
SLOT = 512
_MAX_TABLE = 1 << 18
_MAX_TABLES = 64 << 20
"""Entries of one sparse file's table, unless chunks get too large; bytes of all tables."""
_MIN_CHUNK_BITS = 12
_COPY = 1 << 20
_FILE_TYPES = {
    stat.S_IFREG: 1,
    stat.S_IFDIR: 2,
    stat.S_IFCHR: 3,
    stat.S_IFBLK: 4,
    stat.S_IFIFO: 5,
    stat.S_IFLNK: 7,
}


class ImageWriter:
    """Writes what belongs around the tar."""

    def __init__(self, fd: int, tree: LayerTree, end: int) -> None:
        """`end`: where the tar ends in the file."""
        self._fd = fd
        self._root = tree.root
        self._tar_bytes = end - TAR_AT
        self._block = -(-end // fmt.BLOCK)
        self._nodes: list[Node] = []
        self._parents: list[tuple[Node, Node]] = []
        self._reserved: list[Node] = []
        self._bodies: dict[Node, bytes] = {}
        self._tables: dict[Node, bytes] = {}
        self._formats: dict[Node, int] = {}
        self._table_bytes = 0
        self.implicit: list[bytes] = []
        """Paths of the directories that the tar does not list, in the order of their slots; the root has its own."""

    def write(self) -> None:
        """All of it. Raises EntryError for what no image can hold, OSError."""
        self._collect()
        self._copy_sparse()
        size = self._number()
        first = self._block
        data = self._blocks()
        self._write(first, data)
        self._block += len(data) // fmt.BLOCK
        meta = -(-self._block * fmt.BLOCK // 4096) * 4096
        inodes = self._inodes(size)
        if (meta + size) >> fmt.BLOCK_BITS > fmt.MAX_BLOCK:
            raise EntryError("the layer is larger than 2 TiB")
        _write_at(self._fd, inodes, meta)
        os.ftruncate(self._fd, -(-(meta + size) // 4096) * 4096)
        head = fmt.superblock(
            root=self._root.number,
            meta_block=meta >> fmt.BLOCK_BITS,
            inodes=len(self._nodes),
            blocks=(meta + size) >> fmt.BLOCK_BITS,
            tar_bytes=self._tar_bytes,
        )
        _write_at(self._fd, head, 0)

    def _write(self, block: int, data: bytes | bytearray) -> None:
        _write_at(self._fd, data, block * fmt.BLOCK)

    def _collect(self) -> None:
        """All nodes, their number of names, and the paths of what is implicit."""
        todo = [(self._root, self._root, b"")]
        self._root.links = 0
        while todo:
            node, parent, path = todo.pop()
            node.links = 2
            self._nodes.append(node)
            self._parents.append((node, parent))
            if node.implicit or node is self._root:
                self._reserved.append(node)
                self.implicit += [path or b"/"] if node.implicit else []
            if len(path) > 4095:
                raise EntryError("a directory of the layer has a path of more than 4095 bytes")
            for name, child in (node.children or {}).items():
                if child.children is not None:
                    node.links += 1
                    todo.append((child, node, path + b"/" + name))
                    continue
                if not child.links:
                    self._nodes.append(child)
                child.links += 1

    def _number(self) -> int:
        """Give every node its id; returns the size of the metadata in bytes."""
        at = ROOT_SLOT
        for node in self._nodes:
            if node.xattrs:
                self._bodies[node] = fmt.xattr_body(node.xattrs)
        for node in self._reserved:
            node.number = at // fmt.NODE
            at = max(FIRST_SLOT, at + SLOT)
        if len(self._bodies.get(self._root, b"")) > FIRST_SLOT - ROOT_SLOT - fmt.INODE:
            raise EntryError("the layer's root has too many extended attributes")
        for node in self._nodes:
            if node.number:
                continue
            body = len(self._bodies.get(node, b""))
            node.number = at // fmt.NODE
            at += -(-(fmt.INODE + body + len(self._tables.get(node, b""))) // fmt.INODE) * fmt.INODE
        return at

    def _blocks(self) -> bytearray:
        """Directories and the targets of links; tells each node its first block."""
        data = bytearray()
        parents = dict(self._parents)
        for node in self._nodes:
            if node.link:
                node.at = self._block + len(data) // fmt.BLOCK
                node.full_size = len(node.link)
                data += node.link + bytes(-len(node.link) % fmt.BLOCK)
            elif node.children is not None:
                node.at = self._block + len(data) // fmt.BLOCK
                node.full_size = _add_directory(data, node, parents[node])
        return data

    def _copy_sparse(self) -> None:
        """Give sparse files a place where their pieces begin at blocks, and a table of chunks."""
        done: set[Node] = set()
        for node in self._nodes:
            if node.sparse is not None and node not in done:
                done.add(node)
                self._spread(node, node.sparse)

    def _spread(self, node: Node, pieces: list[tuple[int, int]]) -> None:
        bits = _MIN_CHUNK_BITS
        while node.full_size >> bits > _MAX_TABLE and bits < fmt.MAX_CHUNK_BITS:
            bits += 1
        self._table_bytes += 4 * (-(-node.full_size >> bits))
        if self._table_bytes > _MAX_TABLES:
            raise EntryError("the sparse files of the layer are too large for an image")
        table = [fmt.HOLE] * -(-node.full_size >> bits)
        source, chunk = node.at, 1 << bits
        for offset, length in pieces:
            while length:
                number, inside = offset >> bits, offset & chunk - 1
                if table[number] == fmt.HOLE:
                    table[number] = self._block
                    self._block += chunk // fmt.BLOCK
                    if self._block > fmt.MAX_BLOCK:
                        raise EntryError("the layer is larger than 2 TiB")
                size = min(length, chunk - inside)
                self._copy(source, table[number] * fmt.BLOCK + inside, size)
                source, offset, length = source + size, offset + size, length - size
        self._tables[node] = b"".join(each.to_bytes(4, "little") for each in table)
        self._formats[node] = bits - fmt.BLOCK_BITS

    def _copy(self, source: int, target: int, size: int) -> None:
        while size:
            data = os.pread(self._fd, min(size, _COPY), source)
            if not data:
                raise EntryError("the file of the layer was cut while it was written")
            _write_at(self._fd, data, target)
            source, target, size = source + len(data), target + len(data), size - len(data)

    def _inodes(self, size: int) -> bytearray:
        meta = bytearray(size)
        for node in self._nodes:
            at = node.number * fmt.NODE
            body = self._bodies.get(node, b"")
            tail = body + self._tables.get(node, b"")
            meta[at : at + fmt.INODE] = fmt.inode(
                number=node.number & 0xFFFFFFFF,
                mode=node.mode,
                owner=(node.uid, node.gid),
                mtime_ns=node.mtime_ns,
                links=node.links,
                size=node.full_size,
                value=self._value(node),
                layout=fmt.CHUNKED if node in self._formats else fmt.PLAIN,
                xattrs=len(body),
            )
            meta[at + fmt.INODE : at + fmt.INODE + len(tail)] = tail
        return meta

    def _value(self, node: Node) -> int:
        """What the inode's type wants: first block, chunk format, or device."""
        if node in self._formats:
            return self._formats[node]
        if node.link or node.children is not None:
            return node.at
        if stat.S_ISREG(node.mode):
            return node.at >> fmt.BLOCK_BITS if node.full_size else 0
        return node.rdev


def _add_directory(data: bytearray, node: Node, parent: Node) -> int:
    entries = {
        name: (child.number, _FILE_TYPES[stat.S_IFMT(child.mode)]) for name, child in (node.children or {}).items()
    }
    entries[b"."] = (node.number, _FILE_TYPES[stat.S_IFDIR])
    entries[b".."] = (parent.number, _FILE_TYPES[stat.S_IFDIR])
    blocks, size = fmt.grouped(sorted(entries))
    for names in blocks:
        data += fmt.directory_block(names, entries)
    return size


def _write_at(fd: int, data: bytes | bytearray, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, at)
        view, at = view[written:], at + written
