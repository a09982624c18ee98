"""The request that a task answers."""

import asyncio

from orlop.aio import calls


async def test_tasks_of_a_request_share_it_and_others_do_not_see_it() -> None:
    async def answer(rpc: str) -> tuple[calls.Call | None, calls.Call | None]:
        calls.begin(rpc)

        async def inner() -> calls.Call | None:
            calls.follow(lambda: f"the step of {rpc}")
            return calls.current()

        return calls.current(), await asyncio.create_task(inner())

    found = await asyncio.gather(*(asyncio.create_task(answer(rpc)) for rpc in ("A", "B")))
    for (outer, inner), rpc in zip(found, ("A", "B"), strict=True):
        assert outer is inner is not None
        assert outer.rpc == rpc
        assert outer.standing is not None and outer.standing() == f"the step of {rpc}"
    assert found[0][0] is not found[1][0]


async def test_numbers_grow_and_the_text_has_them() -> None:
    first, second = calls.Call("A"), calls.Call("B", "pod=1")
    assert second.number == first.number + 1
    assert str(first) == f"#{first.number} A"
    assert str(second) == f"#{second.number} B pod=1"


def test_without_a_request_nothing_is_followed() -> None:
    assert calls.current() is None
    calls.follow(lambda: "never asked")
    assert calls.current() is None
