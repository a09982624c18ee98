"""Locks per key."""

import asyncio

import pytest

from orlop.aio.locks import KeyedLocks


async def test_one_at_a_time_per_key_in_order() -> None:
    locks = KeyedLocks[str]()
    log: list[str] = []

    async def work(key: str, name: str) -> None:
        async with locks(key):
            log.append(f"+{name}")
            await asyncio.sleep(0.005)
            log.append(f"-{name}")

    await asyncio.gather(work("a", "1"), work("a", "2"), work("a", "3"))
    assert log == ["+1", "-1", "+2", "-2", "+3", "-3"]
    assert len(locks) == 0


async def test_other_keys_do_not_wait() -> None:
    locks = KeyedLocks[str]()
    async with locks("a"):
        assert locks.locked("a")
        assert not locks.locked("b")
        async with asyncio.timeout(1), locks("b"):
            assert len(locks) == 2
    assert not locks.locked("a")


async def test_released_after_exception_and_cancellation() -> None:
    locks = KeyedLocks[str]()
    with pytest.raises(RuntimeError):
        async with locks("a"):
            raise RuntimeError
    async with locks("a"):
        waiter = asyncio.create_task(locks("a").__aenter__())
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        assert locks.locked("a")
    assert len(locks) == 0
