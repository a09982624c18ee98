"""A far end that goes is noticed although nobody reads what it has sent."""

import asyncio
import select
import socket
from collections.abc import Iterator

import pytest

from orlop.aio import hangup
from orlop.aio.hangup import HangupWatch


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a TCP connection, ours with unread bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    with theirs, ours:
        theirs.sendall(b"unread")
        yield ours, theirs


@pytest.mark.parametrize("ending", ["close", "shut down"])
async def test_the_end_is_told_once(connection: tuple[socket.socket, socket.socket], ending: str) -> None:
    ours, theirs = connection
    told: list[None] = []
    watch = HangupWatch(ours.fileno(), lambda: told.append(None))
    await asyncio.sleep(0.02)
    assert not told
    if ending == "close":
        theirs.close()
    else:
        theirs.shutdown(socket.SHUT_WR)
    await asyncio.sleep(0.02)
    assert len(told) == 1
    watch.close()


async def test_an_end_behind_a_full_buffer_is_found_by_a_nudge(
    connection: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hangup, "NUDGE", 0.1)
    ours, theirs = connection
    theirs.setblocking(False)
    while select.select([], [theirs], [], 0.2)[1]:
        theirs.send(bytes(1 << 16))
    theirs.close()
    gone = asyncio.Event()
    watch = HangupWatch(ours.fileno(), gone.set, lambda: ours.send(b"x") and None)
    async with asyncio.timeout(5):
        await gone.wait()
    watch.close()


async def test_a_closed_watch_tells_nothing(connection: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = connection
    told: list[None] = []
    watch = HangupWatch(ours.fileno(), lambda: told.append(None))
    watch.close()
    watch.close()
    theirs.close()
    await asyncio.sleep(0.02)
    assert not told
