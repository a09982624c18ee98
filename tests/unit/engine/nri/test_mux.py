"""NRI's multiplexing: pieces without I/O, fuzzed; both directions of a connection over a real socket."""

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.engine.nri.mux import (
    FIRST_PIECE,
    HEADER,
    MAX_PIECE,
    MOST_WAITING,
    PLUGIN_SERVICE,
    RUNTIME_SERVICE,
    PieceParser,
    Trunk,
    encode,
)
from orlop.ttrpc.errors import Disconnected, ProtocolError
from orlop.ttrpc.link import SocketStream


def _fed(data: bytes, cuts: list[int]) -> dict[int, bytes]:
    parser, found, at = PieceParser(), dict[int, bytes](), 0
    for cut in [*sorted(cuts), len(data)]:
        for channel, part in parser.feed(data[at:cut]):
            found[channel] = found.get(channel, b"") + part
        at = cut
    return found


def test_a_messages_first_piece_fits_the_reader_and_the_rest_is_one_piece() -> None:
    data = encode(1, b"h" * 10 + b"p" * 20_000)
    assert HEADER.unpack_from(data) == (1, FIRST_PIECE)
    assert HEADER.unpack_from(data, HEADER.size + FIRST_PIECE) == (1, 20_010 - FIRST_PIECE)
    assert encode(2, b"short") == HEADER.pack(2, 5) + b"short"
    assert encode(2, b"") == b""


@given(
    st.lists(st.tuples(st.integers(1, 3), st.binary(max_size=9000)), max_size=6),
    st.lists(st.integers(0, 60_000), max_size=12),
)
def test_pieces_come_out_as_they_went_in_however_the_bytes_are_cut(
    messages: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    data = b"".join(encode(channel, message) for channel, message in messages)
    wanted: dict[int, bytes] = {}
    for channel, message in messages:
        if message:
            wanted[channel] = wanted.get(channel, b"") + message
    assert _fed(data, [min(cut, len(data)) for cut in cuts]) == wanted


@given(st.binary(max_size=200))
def test_any_bytes_give_pieces_or_a_protocol_error(data: bytes) -> None:
    try:
        found = _fed(data, [])
    except ProtocolError:
        return
    assert sum(map(len, found.values())) <= len(data)


def test_a_length_that_no_message_has_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="does not speak NRI's multiplexing"):
        list(PieceParser().feed(HEADER.pack(1, MAX_PIECE + 1)))


async def _pair() -> tuple[Trunk, Trunk, list["asyncio.Task[None]"]]:
    trunks = []
    for end in socket.socketpair():
        trunks.append(Trunk(SocketStream(*await asyncio.open_unix_connection(sock=end))))
    return trunks[0], trunks[1], [asyncio.create_task(trunk.run()) for trunk in trunks]


async def test_channels_do_not_mix_and_an_end_ends_both() -> None:
    here, there, tasks = await _pair()
    await here.channels[PLUGIN_SERVICE].write(b"call")
    await here.channels[RUNTIME_SERVICE].write(b"answer")
    await here.write(HEADER.pack(9, 3) + b"xyz")  # a channel that nobody has
    assert await there.channels[RUNTIME_SERVICE].read() == b"answer"
    assert await there.channels[PLUGIN_SERVICE].read() == b"call"
    here.channels[PLUGIN_SERVICE].close()
    for channel in (*there.channels.values(), *here.channels.values()):
        assert await channel.read() == b""
    await asyncio.gather(*tasks)
    with pytest.raises(Disconnected):
        await there.channels[PLUGIN_SERVICE].write(b"x" * 1_000_000)


async def test_a_reader_that_does_not_read_stops_the_writer() -> None:
    here, there, tasks = await _pair()
    sent = 0

    async def write() -> None:
        nonlocal sent
        while True:
            await here.channels[PLUGIN_SERVICE].write(b"x" * 100_000)
            sent += 100_000

    writing = asyncio.create_task(write())
    last = -1
    while sent != last:
        last = sent
        await asyncio.sleep(0.3)
    channel = there.channels[PLUGIN_SERVICE]
    assert channel._waiting < 2 * MOST_WAITING
    assert sent < 8 * MOST_WAITING
    assert len(await channel.read())
    writing.cancel()
    here.close()
    # What waits is still to be had; then comes the end.
    while await channel.read():
        pass
    await asyncio.gather(*tasks)
