"""Inboxes: bytes in order, an end, and a connection that is not read while one of them is full."""

import asyncio

from orlop.streaming.channels import INBOX_LIMIT, Inbox, Throttle


async def test_what_waits_is_read_at_once_and_then_the_end() -> None:
    inbox = Inbox(Throttle())
    for piece in (b"one", b"", b"two"):
        inbox.put(piece)
    inbox.end()
    inbox.put(b"too late")
    assert [await inbox.read(), await inbox.read(), await inbox.read()] == [b"onetwo", b"", b""]


async def test_a_reader_waits() -> None:
    inbox = Inbox(Throttle())
    reading = asyncio.create_task(inbox.read())
    await asyncio.sleep(0)
    assert not reading.done()
    inbox.put(b"now")
    assert await reading == b"now"


async def test_the_connection_rests_while_any_inbox_is_full() -> None:
    told: list[bool] = []
    throttle = Throttle(told.append)
    first, second = Inbox(throttle), Inbox(throttle)
    for inbox in (first, second):
        inbox.put(bytes(INBOX_LIMIT))
    assert told == []
    for inbox in (first, second):
        inbox.put(b"x")
    assert (told, throttle.flowing.is_set()) == ([True], False)
    await first.read()
    assert told == [True]
    second.discard()
    assert (told, throttle.flowing.is_set()) == ([True, False], True)
    second.put(bytes(2 * INBOX_LIMIT))
    assert told == [True, False]
