"""ttrpc's frames: bytes as the protocol has them, and whatever a peer may send."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.ttrpc.errors import ProtocolError
from orlop.ttrpc.frames import MAX_DATA, Frame, FrameParser, Kind, encode

FRAMES = st.builds(
    Frame,
    stream=st.integers(0, 2**32 - 1),
    kind=st.integers(0, 255),
    data=st.binary(max_size=300),
    flags=st.integers(0, 255),
)


def test_a_frame_as_the_protocol_has_it() -> None:
    assert encode(Frame(3, Kind.REQUEST, b"abc", 2)) == b"\0\0\0\x03\0\0\0\x03\x01\x02abc"


@given(st.lists(FRAMES, max_size=5), st.lists(st.integers(1, 64), max_size=40))
def test_frames_come_back_however_the_bytes_are_cut(frames: list[Frame], cuts: list[int]) -> None:
    data, parser, got = b"".join(encode(frame) for frame in frames), FrameParser(), []
    for cut in cuts:
        got += parser.feed(data[:cut])
        data = data[cut:]
    got += parser.feed(data)
    assert got == frames
    assert not parser.inside


@given(st.lists(st.binary(max_size=64), max_size=20))
def test_any_bytes_are_frames_or_a_protocol_error(pieces: list[bytes]) -> None:
    parser, fed = FrameParser(), 0
    try:
        for piece in pieces:
            fed += len(piece)
            for frame in parser.feed(piece):
                assert len(frame.data) <= fed
    except ProtocolError:
        pass


def test_an_oversized_message_is_thrown_away_and_the_next_one_read() -> None:
    parser = FrameParser()
    head = struct.pack(">IIBB", MAX_DATA + 3, 7, Kind.RESPONSE, 0)
    assert list(parser.feed(head + b"x" * 100)) == [Frame(7, Kind.RESPONSE, oversized=True)]
    assert list(parser.feed(b"x" * (MAX_DATA - 100))) == []
    assert parser.inside
    assert list(parser.feed(b"xxx" + encode(Frame(9, Kind.RESPONSE, b"next")))) == [Frame(9, Kind.RESPONSE, b"next")]


def test_another_protocol_is_refused() -> None:
    with pytest.raises(ProtocolError, match="another protocol"):
        list(FrameParser().feed(b"HTTP/1.1 200 OK\r\n\r\n"))


def test_a_message_of_the_greatest_length_passes_and_a_longer_one_is_not_sent() -> None:
    frame = Frame(1, Kind.REQUEST, b"y" * MAX_DATA)
    assert list(FrameParser().feed(encode(frame))) == [frame]
    with pytest.raises(ValueError, match="4194304 are allowed"):
        encode(Frame(1, Kind.REQUEST, b"y" * (MAX_DATA + 1)))
