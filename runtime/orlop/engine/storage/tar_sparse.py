"""Sparse members: where the stored data belongs in the file. Old GNU headers and GNU's pax formats 0.1 and 1.0."""

from __future__ import annotations

from orlop.engine.storage.tar_headers import BLOCK, Entry, TarError, decimal, number, show

TYPE_CHECKING = False  # as in typing, without importing it
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Take = Callable[[int], bytes]

MAX_MAP = 100_000
"""Pieces of one file: GNU tar writes one per hole."""


def apply_old_gnu(entry: Entry, header: bytes, take: Take) -> None:
    """The map of a member of type "S": four pieces in the header itself, more in the blocks that follow it."""
    pairs = _old_pieces(header[386:482])
    more = header[482]
    entry.full_size = number(header[483:495], "real size")
    while more:
        block = take(BLOCK)
        pairs += _old_pieces(block[:504])
        more = block[504]
        _limit(entry, len(pairs))
    _set(entry, pairs)


def _old_pieces(data: bytes) -> list[tuple[int, int]]:
    pieces = []
    for at in range(0, len(data) - 23, 24):
        offset, length = data[at : at + 12], data[at + 12 : at + 24]
        if offset[0] and length[0]:
            pieces.append((number(offset, "sparse offset"), number(length, "sparse length")))
    return pieces


def apply_pax(entry: Entry, records: dict[bytes, bytes], take: Take) -> None:
    """The map of a pax sparse member; nothing happens when the records describe none."""
    version = (records.get(b"GNU.sparse.major"), records.get(b"GNU.sparse.minor"))
    size = records.get(b"GNU.sparse.realsize") or records.get(b"GNU.sparse.size")
    if size is None:
        return
    entry.name = records.get(b"GNU.sparse.name", entry.name)
    entry.full_size = decimal(size, "sparse size")
    if version == (b"1", b"0"):
        _set(entry, _pairs(_stored_map(entry, take)))
    elif b"GNU.sparse.map" in records:
        _set(entry, _pairs([decimal(each, "sparse map") for each in records[b"GNU.sparse.map"].split(b",")]))
    else:
        raise TarError(f"{show(entry.name)} is sparse in GNU's format 0.0, which is not read; use 1.0")


def _stored_map(entry: Entry, take: Take) -> list[int]:
    """Format 1.0 keeps the map before the data: decimal lines, the first is the number of pieces, padded to a block."""
    data = b""
    wanted = 1
    while data.count(b"\n") < wanted:
        block = take(BLOCK)
        entry.size -= BLOCK
        data += block
        if wanted == 1 and b"\n" in data:
            wanted = 1 + 2 * decimal(data.partition(b"\n")[0], "sparse map")
            _limit(entry, wanted // 2)
        if len(data) > 20 * wanted + 2 * BLOCK:
            raise TarError(f"{show(entry.name)} has a malformed sparse map")
    return [decimal(each, "sparse map") for each in data.split(b"\n")[1:wanted]]


def _pairs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    if len(numbers) % 2:
        raise TarError("a sparse map has an offset without a length")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _set(entry: Entry, pieces: list[tuple[int, int]]) -> None:
    _limit(entry, len(pieces))
    position = 0
    for offset, length in pieces:
        if offset < position or length < 0 or offset + length > entry.full_size:
            raise TarError(f"the sparse map of {show(entry.name)} contradicts itself")
        position = offset + length
    if sum(length for _, length in pieces) != entry.size or entry.full_size >= 1 << 62:
        raise TarError(f"the sparse map of {show(entry.name)} does not fit its size")
    entry.sparse = pieces


def _limit(entry: Entry, pieces: int) -> None:
    if pieces > MAX_MAP:
        raise TarError(f"{show(entry.name)} has more than {MAX_MAP} pieces")
