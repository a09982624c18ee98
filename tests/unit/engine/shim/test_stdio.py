"""The part that reads a container's fifos; the other ends are held here as runc's shim holds them."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orlop.engine.shim import stdio as stdio_module
from orlop.engine.shim.fifos import Fifos
from orlop.engine.shim.stdio import Stdio
from tests.fakes.story import until


class Watcher:
    """A client that takes what it is given, or does not."""

    def __init__(self, *, takes: bool = True) -> None:
        self.got: list[tuple[str, bytes]] = []
        self._takes = takes

    async def write(self, output: str, data: bytes) -> None:
        if not self._takes:
            await asyncio.Event().wait()
        self.got.append((output, data))


class Container:
    """The streams under test and the shim's ends of them."""

    def __init__(self, home: Path, *, terminal: bool = False) -> None:
        self.log = home / "0.log"
        self.stdio = Stdio(Fifos.open(str(home), stdin=True, terminal=terminal), str(self.log), "test")
        self.ends = {name: os.open(home / name, os.O_RDWR) for name in self.stdio.fifos.readers}
        self.stdin = os.open(home / "stdin", os.O_RDONLY | os.O_NONBLOCK)

    def writes(self, name: str, data: bytes) -> None:
        """The container writes."""
        os.write(self.ends[name], data)  # type: ignore[index]  # a test's short cut

    def ends_output(self) -> None:
        """The shim lets go."""
        while self.ends:
            os.close(self.ends.popitem()[1])

    def text(self) -> list[str]:
        """Lines of the log, without their times."""
        return [line.split(" ", 1)[1] for line in self.log.read_text().splitlines()]


@pytest.fixture
async def container(tmp_path: Path) -> AsyncIterator[Container]:
    container = Container(tmp_path)
    yield container
    await container.stdio.aclose()
    container.ends_output()
    os.close(container.stdin)


async def test_outputs_are_logged_until_their_end(container: Container) -> None:
    container.stdio.begin()
    container.writes("stdout", b"out\n")
    container.writes("stderr", b"err\n")
    container.ends_output()
    await container.stdio.drain()
    assert sorted(container.text()) == ["stderr F err", "stdout F out"]


async def test_what_was_written_before_it_reads_is_not_lost(container: Container) -> None:
    container.writes("stdout", b"early\n")
    container.stdio.begin()
    container.ends_output()
    await container.stdio.drain()
    assert container.text() == ["stdout F early"]


async def test_clients_get_the_outputs_that_they_want_until_the_end(container: Container) -> None:
    container.stdio.begin()
    both, one = Watcher(), Watcher()
    serving = [
        asyncio.create_task(container.stdio.serve(both, frozenset({"stdout", "stderr"}))),
        asyncio.create_task(container.stdio.serve(one, frozenset({"stderr"}))),
    ]
    await asyncio.sleep(0)
    container.writes("stdout", b"out\n")
    container.writes("stderr", b"err\n")
    container.ends_output()
    await asyncio.gather(*serving)
    assert sorted(both.got) == [("stderr", b"err\n"), ("stdout", b"out\n")]
    assert one.got == [("stderr", b"err\n")]
    await container.stdio.serve(one, frozenset({"stderr"}))  # after the end: nothing, at once


async def test_a_client_that_takes_nothing_is_cut_off(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio_module, "PATIENCE", 0.05)
    monkeypatch.setattr(stdio_module, "WAITING", 1)
    container.stdio.begin()
    stuck, fine = Watcher(takes=False), Watcher()
    serving = [asyncio.create_task(container.stdio.serve(watcher, frozenset({"stdout"}))) for watcher in (stuck, fine)]
    await asyncio.sleep(0)
    for number in range(6):
        container.writes("stdout", b"%d\n" % number)
        await until(lambda number=number: len(fine.got) > number)
    container.ends_output()
    await container.stdio.drain()
    await serving[1]
    serving[0].cancel()
    await asyncio.gather(*serving, return_exceptions=True)
    assert len(container.text()) == 6


async def test_an_output_that_a_grandchild_holds_open_is_not_waited_for(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stdio_module, "END_GRACE", 0.05)
    container.stdio.begin()
    container.writes("stdout", b"last\n")
    await container.stdio.drain()
    assert container.text() == ["stdout F last"]


async def test_input_reaches_the_container_and_ends(container: Container) -> None:
    container.stdio.begin()
    await container.stdio.feed(b"typed")
    assert os.read(container.stdin, 100) == b"typed"
    container.stdio.fifos.close_stdin()
    await container.stdio.feed(b"thrown away")
    assert os.read(container.stdin, 100) == b""


async def test_a_terminal_has_no_stderr(tmp_path: Path) -> None:
    container = Container(tmp_path, terminal=True)
    assert list(container.stdio.fifos.readers) == ["stdout"]
    assert container.stdio.fifos.streams.stderr == ""
    await container.stdio.aclose()
    container.ends_output()
    os.close(container.stdin)
