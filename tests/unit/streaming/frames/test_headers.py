"""Header blocks: what is written is read, and whatever else comes is refused with a ProtocolError, bounded."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.streaming.frames.dictionary import DICTIONARY
from orlop.streaming.frames.errors import ProtocolError
from orlop.streaming.frames.headers import MAX_BLOCK, HeaderReader, HeaderWriter, parse_block

NAMES = st.text(
    st.characters(codec="ascii", min_codepoint=33, exclude_characters="ABCDEFGHIJKLMNOPQRSTUVWXYZ"), min_size=1
)
HEADERS = st.dictionaries(NAMES, st.text(), max_size=8)


def test_the_dictionary_is_the_protocols() -> None:
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)


@given(st.lists(HEADERS, max_size=5))
def test_blocks_of_one_connection_come_back(blocks: list[dict[str, str]]) -> None:
    writer, reader = HeaderWriter(), HeaderReader()
    assert [reader.decode(writer.encode(block)) for block in blocks] == blocks


def test_names_are_read_in_lower_case() -> None:
    assert HeaderReader().decode(HeaderWriter().encode({"streamType": "Data"})) == {"streamtype": "Data"}


@given(st.binary(max_size=300))
def test_any_block_is_read_or_refused(data: bytes) -> None:
    try:
        parse_block(data)
    except ProtocolError:
        pass
    try:
        HeaderReader().decode(data)
    except ProtocolError:
        pass


def _compressed(plain: bytes) -> bytes:
    packer = zlib.compressobj(zdict=DICTIONARY)
    return packer.compress(plain) + packer.flush(zlib.Z_SYNC_FLUSH)


def test_a_bomb_is_refused() -> None:
    with pytest.raises(ProtocolError, match=f"more than {MAX_BLOCK} bytes"):
        HeaderReader().decode(_compressed(bytes(50 << 20)))


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        (b"\0\0", "cut off"),
        (struct.pack(">II", 1, 5) + b"ab", "cut off"),
        (struct.pack(">I", 0) + b"x", "longer"),
        (struct.pack(">III", 1, 0, 0), "empty name"),
        (struct.pack(">I", 2) + 2 * (struct.pack(">I", 1) + b"a" + struct.pack(">I", 0)), "twice"),
        (struct.pack(">I", 0xFFFFFFFF), "cut off"),
    ],
)
def test_blocks_that_are_not_well_formed(plain: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        HeaderReader().decode(_compressed(plain))


def test_another_dictionary_is_refused() -> None:
    packer = zlib.compressobj(zdict=b"something else")
    with pytest.raises(ProtocolError, match="decompressed"):
        HeaderReader().decode(packer.compress(b"\0\0\0\0") + packer.flush(zlib.Z_SYNC_FLUSH))
