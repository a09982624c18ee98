"""One sender, many listeners: order, slow listeners, listeners that go, the end."""

import asyncio
from contextlib import aclosing

import pytest

from orlop.aio.broadcast import Broadcast, FellBehind


async def listening(broadcast: Broadcast[int], taken: list[int], *, most: int = 1000) -> None:
    async with aclosing(broadcast.follow()) as items:
        async for item in items:
            taken.append(item)
            if len(taken) == most:
                return


async def begun(broadcast: Broadcast[int], number: int) -> None:
    """Until so many listeners are there."""
    async with asyncio.timeout(5):
        while len(broadcast) != number:  # noqa: ASYNC110  # a listener is there after its first step, unannounced
            await asyncio.sleep(0)


async def test_every_listener_gets_every_item_in_order() -> None:
    broadcast: Broadcast[int] = Broadcast(10)
    one: list[int] = []
    two: list[int] = []
    tasks = [asyncio.create_task(listening(broadcast, taken, most=6)) for taken in (one, two)]
    await begun(broadcast, 2)
    for number in range(6):
        assert broadcast.send(number) == 0
        if number % 2:
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert one == two == [0, 1, 2, 3, 4, 5]
    assert len(broadcast) == 0


async def test_nothing_is_kept_for_nobody() -> None:
    broadcast: Broadcast[int] = Broadcast(1)
    assert [broadcast.send(number) for number in range(5)] == [0] * 5
    assert broadcast.lost == 0


async def test_a_slow_listener_is_cut_off_and_the_others_go_on() -> None:
    broadcast: Broadcast[int] = Broadcast(3)
    slow, quick = broadcast.follow(), broadcast.follow()
    first = [asyncio.ensure_future(anext(items)) for items in (slow, quick)]
    await begun(broadcast, 2)
    broadcast.send(0)
    assert await asyncio.gather(*first) == [0, 0]
    for number in (1, 2, 3):
        assert broadcast.send(number) == 0
        assert await anext(quick) == number
    assert broadcast.send(4) == 1
    assert await anext(quick) == 4
    assert (len(broadcast), broadcast.lost) == (1, 4)
    with pytest.raises(FellBehind, match="4 items") as caught:
        await anext(slow)
    assert caught.value.lost == 4
    await quick.aclose()
    assert len(broadcast) == 0


async def test_a_cancelled_listener_goes() -> None:
    broadcast: Broadcast[int] = Broadcast(3)
    task = asyncio.create_task(listening(broadcast, []))
    await begun(broadcast, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(broadcast) == 0


async def test_the_end_comes_after_what_waits() -> None:
    broadcast: Broadcast[int] = Broadcast(3)
    taken: list[int] = []
    task = asyncio.create_task(listening(broadcast, taken))
    await begun(broadcast, 1)
    broadcast.send(1)
    broadcast.send(2)
    broadcast.close()
    await task
    assert taken == [1, 2]
    await listening(broadcast, taken)  # one that comes later ends at once
    assert taken == [1, 2]
