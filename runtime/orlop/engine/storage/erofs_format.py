"""The structures of an EROFS image as bytes (Documentation/filesystems/erofs.rst, fs/erofs/erofs_fs.h). Pure.

Blocks have 512 bytes, so that the data of a tar's members, which begins at such a boundary, can be used where it is.
Every inode has the extended form (32-bit owners, nanoseconds). What goes where is in erofs_write.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False  # as in typing, without importing it
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

BLOCK_BITS = 9
BLOCK = 1 << BLOCK_BITS
NODE = 32
"""A node id counts so many bytes from the start of the metadata."""
INODE = 64
MAX_BLOCK = 0xFFFFFFFE
"""The last address that is not the one of a hole."""
HOLE = 0xFFFFFFFF

PLAIN, CHUNKED = 0, 4
"""Layouts of data: one run of blocks; a table of chunks that may be holes."""
MAX_CHUNK_BITS = BLOCK_BITS + 31

_MAGIC = 0xE0F5E1E2
_SUPER_AT = 1024
_HAS_CHUNKS = 4
_META_AT = _SUPER_AT + 40
_NAME_AT = _SUPER_AT + 64
_SUPER = struct.Struct("<IIIBBHQQIIII16s16sIHHHBBIQ24x")
_INODE = struct.Struct("<HHHHQIIIIqII16x")
_DIRENT = struct.Struct("<QHBx")
_XATTR = struct.Struct("<BBH")
_XATTR_HEAD = bytes(12)

_SPACES = ((b"user.", 1), (b"trusted.", 4), (b"security.", 6))
_WHOLE = {b"system.posix_acl_access": 2, b"system.posix_acl_default": 3}


def superblock(*, root: int, meta_block: int, inodes: int, blocks: int, tar_bytes: int) -> bytes:
    """What an image begins with, up to the end of its superblock. `root`: node id, at most 65535.

    `tar_bytes`, the length of the tar in it, is kept as the volume's name, in decimals.
    """
    packed = _SUPER.pack(_MAGIC, 0, 0, BLOCK_BITS, 0, root, inodes, 0, 0, min(blocks, MAX_BLOCK), meta_block, 0,
                         b"", b"%d" % tar_bytes, _HAS_CHUNKS, 0, 0, 0, 0, 0, 0, 0)  # fmt: skip
    return bytes(_SUPER_AT) + packed


def meta_start(head: bytes) -> int:
    """Where the metadata of an image begins, in bytes, told by its first block of 4096. Raises ValueError."""
    if struct.unpack_from("<I", head, _SUPER_AT)[0] != _MAGIC:
        raise ValueError("it is no EROFS image")
    return int(struct.unpack_from("<I", head, _META_AT)[0]) << BLOCK_BITS


def tar_length(head: bytes) -> int:
    """Bytes of the tar in an image, told by its first block of 4096; 0 where it does not tell. Raises ValueError."""
    meta_start(head)
    name = head[_NAME_AT : _NAME_AT + 16].rstrip(b"\0")
    return int(name) if name.isdigit() else 0


def inode(
    *,
    number: int,
    mode: int,
    owner: tuple[int, int],
    mtime_ns: int,
    links: int,
    size: int,
    value: int,
    layout: int = PLAIN,
    xattrs: int = 0,
) -> bytes:
    """64 bytes. `value`: block, device or chunk format, as the type wants it; `xattrs`: bytes of attributes behind."""
    seconds, rest = divmod(mtime_ns, 1_000_000_000)
    count = (xattrs - 12) // 4 + 1 if xattrs else 0
    form = 1 | layout << 1
    return _INODE.pack(form, count, mode, 0, size, value, number, *owner, seconds, rest, links)


def directory_inode(data: bytes) -> tuple[int, int, int, int, bool]:
    """Size, block, number and links of a directory's inode, and whether it has attributes."""
    fields = _INODE.unpack(data)
    return fields[4], fields[5], fields[6], fields[11], fields[1] != 0


def device(major: int, minor: int) -> int:
    """A device number as an inode has it."""
    return minor & 0xFF | major << 8 | (minor & ~0xFF) << 12


def xattr_body(attributes: Mapping[bytes, bytes]) -> bytes:
    """Extended attributes as they follow an inode; those of a namespace that EROFS lacks are left out.

    Raises ValueError for what it cannot hold.
    """
    parts = []
    for name, value in attributes.items():
        index, rest = _split(name)
        if not index:
            continue
        if len(value) > 0xFFFF or len(rest) > 0xFF:
            raise ValueError(f"attribute {name!r} is too long")
        parts.append(_XATTR.pack(len(rest), index, len(value)) + rest + value)
        parts.append(bytes(-(len(rest) + len(value)) % 4))
    body = _XATTR_HEAD + b"".join(parts) if parts else b""
    if len(body) > 12 + 4 * 0xFFFE:
        raise ValueError("the extended attributes take too much space")
    return body


def _split(name: bytes) -> tuple[int, bytes]:
    for prefix, index in _SPACES:
        if name.startswith(prefix):
            if len(name) == len(prefix):
                raise ValueError(f"attribute {name!r} has no name")
            return index, name[len(prefix) :]
    return _WHOLE.get(name, 0), b""


def grouped(names: Iterable[bytes]) -> tuple[list[list[bytes]], int]:
    """Names of a directory, sorted, as they fill its blocks, and the size of it all in bytes."""
    blocks: list[list[bytes]] = []
    used = BLOCK
    for name in names:
        need = _DIRENT.size + len(name)
        if used + need > BLOCK:
            blocks.append([])
            used = 0
        blocks[-1].append(name)
        used += need
    return blocks, (len(blocks) - 1) * BLOCK + used


def directory_block(names: Sequence[bytes], entries: Mapping[bytes, tuple[int, int]]) -> bytes:
    """One block of a directory. `entries`: node id and file type (1 file, 2 directory, 3 character, …) of each name."""
    offset = _DIRENT.size * len(names)
    parts = []
    for name in names:
        number, kind = entries[name]
        parts.append(_DIRENT.pack(number, offset, kind))
        offset += len(name)
    parts += names
    parts.append(bytes(BLOCK - offset))
    return b"".join(parts)
