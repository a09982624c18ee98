"""The session of a command: how its end is told, its client's streams, its idle time-out."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.aio.duplex import Client, Size
from orlop.model.errors import FailedPrecondition
from orlop.services.streams import CommandPlan, StreamChoice
from orlop.streaming.channels import Channel
from orlop.streaming.command import MAX_SIZE_TEXT, Sizes, expected, parse_size, serve_command


class Memory:
    """A channel that gives what it was made with, and keeps what is written."""

    def __init__(self, *incoming: bytes) -> None:
        self.incoming = list(incoming)
        self.written = b""
        self.finished = False

    async def read(self) -> bytes:
        return self.incoming.pop(0) if self.incoming else b""

    async def write(self, data: bytes) -> None:
        assert not self.finished
        self.written += data

    async def finish(self) -> None:
        self.finished = True


Run = Callable[[Client], Awaitable[int]]


async def told(run: Run, *, idle: float = 0, as_json: bool = True, **channels: Channel) -> bytes:
    """What the client reads on the error stream."""
    error = Memory()
    plan = CommandPlan(verb="exec", title="container c", choice=StreamChoice(stdout=True), run=run)
    await serve_command(plan, {"error": error, **channels}, idle_timeout=idle, as_json=as_json)
    assert error.finished
    return error.written


def ends_with(code: int) -> Run:
    async def run(client: Client) -> int:
        while data := await client.read():
            await client.write("stdout", data)
        await client.write("stderr", b"dropped where the client has no such stream")
        return code

    return run


async def test_streams_are_carried_and_finished() -> None:
    stdout = Memory()
    status: Any = json.loads(await told(ends_with(0), stdin=Memory(b"a", b"b"), stdout=stdout))
    assert (status["status"], stdout.written, stdout.finished) == ("Success", b"ab", True)


async def test_an_exit_code_is_a_cause() -> None:
    status = json.loads(await told(ends_with(42)))
    assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
    assert status["details"] == {"causes": [{"reason": "ExitCode", "message": "42"}]}


async def test_old_protocols_get_text() -> None:
    assert await told(ends_with(0), as_json=False) == b""
    assert b"42" in await told(ends_with(42), as_json=False)


async def test_errors_of_the_domain_are_told() -> None:
    async def run(client: Client) -> int:
        raise FailedPrecondition("it is not running")

    status = json.loads(await told(run))
    assert (status["reason"], status["message"]) == ("InternalError", "it is not running")
    assert await told(run, as_json=False) == b"it is not running"


async def test_a_bug_is_logged_and_the_client_gets_its_number(caplog: pytest.LogCaptureFixture) -> None:
    async def run(client: Client) -> int:
        raise KeyError("secret")

    with caplog.at_level(logging.ERROR):
        status = json.loads(await told(run))
    assert "secret" not in status["message"]
    reference = caplog.records[0].getMessage().split("reference ")[1].rstrip(")")
    assert reference in status["message"]


async def test_a_quiet_session_is_closed_and_a_busy_one_is_not() -> None:
    async def quiet(client: Client) -> int:
        await asyncio.sleep(30)
        return 0

    async def busy(client: Client) -> int:
        for _ in range(12):
            await asyncio.sleep(0.05)
            await client.write("stdout", b".")
        return 0

    assert b"0.3 s without a byte" in await told(quiet, idle=0.3)
    assert json.loads(await told(busy, idle=0.3))["status"] == "Success"


@pytest.mark.parametrize(
    ("choice", "resizes", "names"),
    [
        (StreamChoice(stdout=True, stderr=True), True, {"error", "stdout", "stderr"}),
        (StreamChoice(stdin=True, stdout=True, tty=True), True, {"error", "stdin", "stdout", "resize"}),
        (StreamChoice(stdin=True, stdout=True, tty=True), False, {"error", "stdin", "stdout"}),
    ],
)
def test_streams_that_a_client_opens(choice: StreamChoice, resizes: bool, names: set[str]) -> None:
    assert expected(choice, resizes=resizes) == names


async def test_sizes_come_however_they_are_cut() -> None:
    sizes = Sizes(
        Memory(b'{"Width":80,"Hei', b'ght":24}\n{"Width":1,"Height":2}', b'{"no": 1}{"Width":3,"Height":4}').read
    )
    assert [await sizes.next() for _ in range(4)] == [Size(80, 24), Size(1, 2), Size(3, 4), None]


async def test_a_size_that_never_ends_ends_the_sizes() -> None:
    memory = Memory(*[bytes(500)] * 10)
    assert await Sizes(memory.read).next() is None
    assert len(memory.incoming) >= 10 - MAX_SIZE_TEXT // 500 - 1


@given(
    st.one_of(
        st.binary(max_size=60),
        st.dictionaries(
            st.sampled_from(["Width", "Height"]), st.one_of(st.integers(), st.none(), st.text()), max_size=2
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_any_text_is_a_size_or_none(text: bytes) -> None:
    size = parse_size(text)
    assert size is None or (0 < size.width < 65536 and 0 < size.height < 65536)
