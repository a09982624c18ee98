"""The gate before recovery."""

import asyncio

import pytest

from orlop.api.gate import Gate
from orlop.model.errors import Unavailable


async def test_version_always_passes() -> None:
    gate = Gate(patience=0)
    await gate.passed("Version")
    assert not gate.is_open


@pytest.mark.parametrize("rpc", ["ListImages", "Status"])
async def test_others_wait_until_it_opens(rpc: str) -> None:
    gate = Gate(patience=5)
    waiting = asyncio.create_task(gate.passed(rpc))
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.open()
    await waiting
    assert gate.is_open


async def test_others_are_refused_when_it_takes_too_long() -> None:
    with pytest.raises(Unavailable, match="ask again"):
        await Gate(patience=0.01).passed("ListImages")
