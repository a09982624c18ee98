"""Read a tar once, from front to back, with bounded memory: headers as entries, data as views of the read buffers.

What the entries do to a filesystem is in extract. Written here because the standard library's reader takes longer for
one header than writing a small file does.
"""

from __future__ import annotations

from orlop.engine.storage import tar_sparse
from orlop.engine.storage.tar_headers import BLOCK, FILE, Entry, TarError, apply_pax, check, check_sum, parse, parse_pax

TYPE_CHECKING = False  # as in typing, without importing it
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_EXTENSION = 1 << 20
"""Bytes of the pax headers and GNU long names of one member."""
MAX_ENTRIES = 8_000_000

_ZERO = bytes(BLOCK)
_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK, _SPARSE = b"x", b"g", b"L", b"K", b"S"
# Of the global ones only git writes any, with a comment: nobody applies them.
_EXTENSIONS = (_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK)


class TarStream:
    """A tar in chunks of any size. Iterate with `next_entry`; take each entry's data with `data`, or leave it."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._view = memoryview(b"")
        self._left = 0
        self._padding = 0
        self._taken = 0
        self.entries = 0

    @property
    def position(self) -> int:
        """Bytes of the archive that have been passed: where the data of an entry begins that was just returned."""
        return self._taken - len(self._view)

    def next_entry(self) -> Entry | None:
        """The next member, or None at the end. What is left of the previous member's data is skipped."""
        self._skip(self._left + self._padding)
        self._left = self._padding = 0
        entry = self._read_entry()
        if entry is None:
            return None
        self.entries += 1
        if self.entries > MAX_ENTRIES:
            raise TarError(f"more than {MAX_ENTRIES} entries")
        self._left = entry.size
        return entry

    def data(self) -> Iterator[memoryview]:
        """The current member's data in pieces; each is valid until the next is asked for."""
        while self._left:
            piece = self._piece(self._left)
            self._left -= len(piece)
            yield piece

    def drain(self) -> None:
        """Read to the end of the input: a digest covers the padding too."""
        for _ in self._chunks:
            pass

    def _read_entry(self) -> Entry | None:
        """Headers up to a member: extension headers before it belong to it."""
        records: dict[bytes, bytes] = {}
        names: dict[bytes, bytes] = {}
        size = 0
        while True:
            block = self._header()
            if block is None:
                if records or names:
                    raise TarError("the archive ends after an extension header")
                return None
            entry = parse(block)
            if entry.kind not in _EXTENSIONS:
                self._complete(entry, block, records, names)
                return entry
            data = self._extension(entry, MAX_EXTENSION - size)
            size += len(data)
            if entry.kind == _PAX:
                records.update(parse_pax(data))
            elif entry.kind in (_LONG_NAME, _LONG_LINK):
                names[entry.kind] = data.partition(b"\0")[0]

    def _complete(self, entry: Entry, block: bytes, records: dict[bytes, bytes], names: dict[bytes, bytes]) -> None:
        entry.name = names.get(_LONG_NAME, entry.name)
        entry.link = names.get(_LONG_LINK, entry.link)
        if records:
            apply_pax(entry, records)
        check(entry)
        self._padding = -entry.size % BLOCK
        if entry.kind == _SPARSE:
            entry.kind = FILE
            tar_sparse.apply_old_gnu(entry, block, self._take)
        elif records and entry.kind == FILE:
            tar_sparse.apply_pax(entry, records, self._take)
            check(entry)

    def _header(self) -> bytes | None:
        """The next header block; None at two zero blocks or at the end of the input."""
        block = self._take(BLOCK, at_end=True)
        if not block or block == _ZERO:
            return None
        if not check_sum(block):
            where = f"after {self.entries} entries" if self.entries else "at its start"
            raise TarError(f"no tar header {where}: the checksum is wrong")
        return block

    def _extension(self, entry: Entry, limit: int) -> bytes:
        if not 0 <= entry.size <= limit:
            raise TarError(
                f"an extension header claims {entry.size} bytes; at most {MAX_EXTENSION} are read for a file"
            )
        data = self._take(entry.size)
        self._skip(-entry.size % BLOCK)
        return data

    def _take(self, size: int, *, at_end: bool = False) -> bytes:
        """Exactly so many bytes; with at_end, none at all where the input ends here."""
        if len(self._view) >= size:
            piece, self._view = self._view[:size], self._view[size:]
            return bytes(piece)
        parts = bytearray()
        while len(parts) < size:
            more = self._piece(size - len(parts), at_end=at_end and not parts)
            if not more:
                return b""
            parts += more
        return bytes(parts)

    def _skip(self, size: int) -> None:
        while size:
            size -= len(self._piece(size))

    def _piece(self, size: int, *, at_end: bool = False) -> memoryview:
        """At most so many bytes, at least one."""
        while not self._view:
            chunk = next(self._chunks, None)
            if chunk is None:
                if at_end:
                    return self._view
                raise TarError(f"the archive ends in the middle of something, after {self.entries} entries")
            self._view = memoryview(chunk)
            self._taken += len(chunk)
        piece = self._view[:size]
        self._view = self._view[size:]
        return piece
