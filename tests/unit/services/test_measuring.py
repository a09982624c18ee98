"""Many measurements: in order, without those that fail, and with turns for others."""

import asyncio
import logging

import pytest

from orlop.services.measuring import AT_ONCE, all_that_can


async def test_in_order_and_without_those_that_fail(caplog: pytest.LogCaptureFixture) -> None:
    async def measured(number: int) -> int:
        if number == 3:
            raise OSError("its disk is broken")
        return number

    with caplog.at_level(logging.WARNING):
        found = await all_that_can(measured(number) for number in range(3 * AT_ONCE))
    assert found == [number for number in range(3 * AT_ONCE) if number != 3]
    assert "left out of the figures: its disk is broken" in caplog.text


async def test_others_have_their_turn() -> None:
    turns: list[int] = []

    async def measured(number: int) -> int:
        turns.append(number)
        return number

    async def other() -> None:
        turns.append(-1)

    together = asyncio.gather(all_that_can(measured(number) for number in range(3 * AT_ONCE)), other())
    await together
    assert turns.index(-1) <= 2 * AT_ONCE, "not after all of them"
