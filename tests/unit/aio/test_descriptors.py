"""Descriptors: bytes in order, ends, writers that outlive their program, and readers that are slow or gone."""

import asyncio
import os
import pty
import time
from collections.abc import Iterator

import pytest

from orlop.aio.descriptors import Reader, pump, write_all


@pytest.fixture
def pipe() -> Iterator[list[int]]:
    """Read and write end; a test sets an end that it has closed to -1."""
    ends = list(os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK))
    yield ends
    for end in ends:
        if end >= 0:
            os.close(end)


async def test_bytes_and_then_the_end(pipe: list[int]) -> None:
    reader = Reader(pipe[0])
    reading = asyncio.create_task(reader.read())
    await asyncio.sleep(0.01)
    os.write(pipe[1], b"word")
    assert await reading == b"word"
    os.close(pipe[1])
    pipe[1] = -1
    assert await reader.read() == b""


async def test_more_than_a_pipe_holds_arrives_whole(pipe: list[int]) -> None:
    data = os.urandom(1 << 20)
    received: list[bytes] = []

    async def send() -> None:
        await write_all(pipe[1], data)
        os.close(pipe[1])
        pipe[1] = -1

    async def take(piece: bytes) -> None:
        received.append(piece)

    await asyncio.gather(send(), pump(Reader(pipe[0]).read, take))
    assert b"".join(received) == data


async def test_nobody_reads_any_more(pipe: list[int]) -> None:
    writing = asyncio.create_task(write_all(pipe[1], bytes(1 << 20)))
    await asyncio.sleep(0.01)
    os.close(pipe[0])
    pipe[0] = -1
    with pytest.raises(BrokenPipeError):
        await writing


@pytest.mark.parametrize("waiting", [True, False])
async def test_an_end_that_is_expected_is_not_awaited_for_long(pipe: list[int], waiting: bool) -> None:
    reader = Reader(pipe[0])
    os.write(pipe[1], b"last words")
    assert await reader.read() == b"last words"
    reading = asyncio.create_task(reader.read()) if waiting else None
    await asyncio.sleep(0.01)
    reader.expect_end(0.05)
    began = time.monotonic()
    assert await (reading or reader.read()) == b""
    assert 0.04 < time.monotonic() - began < 60


async def test_what_waits_is_read_after_the_end_is_expected(pipe: list[int]) -> None:
    reader = Reader(pipe[0], size=4)
    os.write(pipe[1], b"12345678")
    reader.expect_end(0.02)
    assert [await reader.read(), await reader.read(), await reader.read()] == [b"1234", b"5678", b""]


async def test_a_terminal_whose_program_has_gone_has_ended() -> None:
    master, slave = pty.openpty()
    try:
        os.write(slave, b"bye")
        os.close(slave)
        reader = Reader(master)
        assert [await reader.read(), await reader.read()] == [b"bye", b""]
    finally:
        os.close(master)


async def test_a_cancelled_read_leaves_nothing_on_the_loop(pipe: list[int]) -> None:
    reading = asyncio.create_task(Reader(pipe[0]).read())
    await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.wait([reading])
    assert not asyncio.get_running_loop().remove_reader(pipe[0])
