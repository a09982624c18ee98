"""SPDY frames: however the bytes are cut, the same frames come out; whatever else comes is a ProtocolError."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.streaming.frames.errors import ProtocolError
from orlop.streaming.frames.headers import HeaderWriter
from orlop.streaming.frames.spdy import (
    GOAWAY,
    HEAD,
    HEADERS,
    MAX_CONTROL,
    SETTINGS,
    SYN_STREAM,
    WINDOW_UPDATE,
    Data,
    Decoder,
    Encoder,
    Frame,
    GoAway,
    Ping,
    Reset,
    SynStream,
)

STREAMS = st.integers(1, 0x7FFFFFFF)


def control(kind: int, body: bytes, *, version: int = 3, flags: int = 0) -> bytes:
    return struct.pack(">HHI", 0x8000 | version, kind, flags << 24 | len(body)) + body


def joined(frames: list[Frame]) -> list[Frame]:
    """Pieces of one data frame as one."""
    whole: list[Frame] = []
    for frame in frames:
        last = whole[-1] if whole else None
        if isinstance(frame, Data) and isinstance(last, Data) and last.stream == frame.stream and not last.fin:
            whole[-1] = Data(frame.stream, last.data + frame.data, frame.fin)
        else:
            whole.append(frame)
    return whole


ACTIONS = st.one_of(
    st.tuples(st.just("data"), STREAMS, st.binary(max_size=40)),
    st.tuples(st.just("open"), STREAMS, st.dictionaries(st.sampled_from(["streamtype", "port"]), st.text(max_size=9))),
    st.tuples(st.just("reset"), STREAMS, st.integers(0, 11)),
    st.tuples(st.just("ping"), STREAMS, st.none()),
    st.tuples(st.just("other"), STREAMS, st.sampled_from([SETTINGS, HEADERS, WINDOW_UPDATE, 77])),
)


def perform(actions: list[tuple[str, int, object]]) -> tuple[bytes, list[Frame]]:
    """The bytes of these frames, and what is to be told of them."""
    encoder, headers, sent, told = Encoder(), HeaderWriter(), b"", list[Frame]()
    for action, number, value in actions:
        match action, value:
            case "data", bytes(data):
                sent += encoder.data_head(number, len(data), fin=True) + data
                told.append(Data(number, data, True))
            case "open", dict(fields):
                block = struct.pack(">IIH", number, 0, 0) + headers.encode(fields)
                sent += control(SYN_STREAM, block, flags=1)
                told.append(SynStream(number, fields, True))
            case "reset", int(reason):
                sent += encoder.reset(number, reason)
                told.append(Reset(number, reason))
            case "ping", _:
                sent += encoder.ping(number)
                told.append(Ping(number))
            case _, int(kind):
                block = struct.pack(">I", number) + headers.encode({"a": "b"}) if kind == HEADERS else bytes(8)
                sent += control(kind, block)
    return sent, told


@given(st.lists(ACTIONS, max_size=12), st.data())
def test_frames_come_out_however_they_are_cut(actions: list[tuple[str, int, object]], data: st.DataObject) -> None:
    sent, told = perform(actions)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=20)))
    decoder = Decoder()
    found = [
        frame
        for begin, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)
        for frame in decoder.feed(sent[begin:end])
    ]
    assert joined(found) == told


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_are_read_or_refused(pieces: list[bytes]) -> None:
    decoder = Decoder()
    try:
        for piece in pieces:
            list(decoder.feed(piece))
    except ProtocolError:
        pass


@given(st.integers(0, 12), st.integers(0, 255), st.binary(max_size=40))
def test_any_control_frame_is_read_or_refused(kind: int, flags: int, body: bytes) -> None:
    try:
        list(Decoder().feed(control(kind, body, flags=flags)))
    except ProtocolError:
        pass


def test_a_large_data_frame_is_not_held_back() -> None:
    decoder = Decoder()
    assert list(decoder.feed(Encoder.data_head(5, 1 << 23, fin=True))) == []
    assert list(decoder.feed(b"x" * 1000)) == [Data(5, b"x" * 1000, False)]
    assert list(decoder.feed(bytes((1 << 23) - 1000))) == [Data(5, bytes((1 << 23) - 1000), True)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (control(SYN_STREAM, bytes(10), version=2), "version 2"),
        (struct.pack(">HHI", 0x8003, SETTINGS, MAX_CONTROL + 1), "longer than"),
        (control(SYN_STREAM, bytes(9)), "cut off"),
        (control(HEADERS, bytes(3)), "cut off"),
        (control(GOAWAY, bytes(7)), "type 7 has 7 bytes"),
    ],
)
def test_frames_that_cannot_be(data: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        list(Decoder().feed(data))


def test_a_control_frame_that_is_too_long_is_refused_at_its_head() -> None:
    assert len(Encoder.data_head(1, 0)) == HEAD
    with pytest.raises(ProtocolError):
        list(Decoder().feed(struct.pack(">HHI", 0x8003, 1, 0xFFFFFF)))


def test_goaway_is_told() -> None:
    assert list(Decoder().feed(Encoder.goaway(7))) == [GoAway()]
