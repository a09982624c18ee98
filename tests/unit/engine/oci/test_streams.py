"""Pipes that keep so much and no more."""

import asyncio
import os

import pytest

from orlop.engine.oci.streams import CappedPipe


async def test_all_is_kept_below_the_limit() -> None:
    with CappedPipe(100) as pipe:
        writer = os.dup(pipe.writer)
        pipe.start()
        os.write(writer, b"one ")
        await asyncio.sleep(0)
        os.write(writer, b"two")
        os.close(writer)
        await asyncio.wait_for(pipe.ended(), 5)
        assert pipe.drain() == b"one two"


async def test_the_writer_is_never_blocked_by_the_limit() -> None:
    with CappedPipe(10) as pipe:
        writer = os.dup(pipe.writer)
        pipe.start()
        await asyncio.to_thread(os.write, writer, b"x" * 500_000)
        os.close(writer)
        await asyncio.wait_for(pipe.ended(), 5)
        assert pipe.drain() == b"x" * 10


async def test_drain_takes_what_waits_though_somebody_holds_the_pipe() -> None:
    with CappedPipe(100) as pipe:
        writer = os.dup(pipe.writer)
        pipe.start()
        os.write(writer, b"said")
        assert pipe.drain() == b"said"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pipe.ended(), 0.05)
        os.close(writer)


async def test_descriptors_are_closed_whatever_happens() -> None:
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(RuntimeError), CappedPipe(1), CappedPipe(1) as second:
        second.start()
        raise RuntimeError
    assert set(os.listdir("/proc/self/fd")) == before
