"""Many pass together, one alone; nobody waits for ever."""

import asyncio

from orlop.engine.cni.gate import Gate


async def test_many_pass_together() -> None:
    gate = Gate()
    async with gate.together(), gate.together():
        pass


async def test_alone_waits_for_those_inside_and_lets_newcomers_pass() -> None:
    gate, events = Gate(), list[str]()

    async def alone() -> None:
        async with gate.alone():
            events.append("alone")

    async with gate.together():
        waiting = asyncio.create_task(alone())
        await asyncio.sleep(0)
        async with gate.together():  # not held up by the one who waits
            events.append("together")
    await waiting
    assert events == ["together", "alone"]


async def test_nobody_passes_beside_the_one_alone() -> None:
    gate, events = Gate(), list[str]()

    async def together() -> None:
        async with gate.together():
            events.append("together")

    async def alone() -> None:
        async with gate.alone():
            events.append("second")

    async with gate.alone():
        tasks = [asyncio.create_task(together()), asyncio.create_task(alone())]
        await asyncio.sleep(0.01)
        events.append("first")
    await asyncio.gather(*tasks)
    assert events[0] == "first"
    assert sorted(events[1:]) == ["second", "together"]


async def test_a_cancelled_waiter_leaves_the_gate_usable() -> None:
    gate = Gate()
    async with gate.together():
        waiting = asyncio.create_task(gate.alone().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with gate.alone():
        pass
