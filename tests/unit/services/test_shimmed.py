"""Shims that are ill: one that hangs up is buried only where it is dead, and one that hangs is ended.

Burying takes a shim's socket away, from the whole pod.
"""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from orlop.engine.shim import bootstrap, task
from orlop.engine.state.table import ContainerEntry
from orlop.linux.processes import start_time
from orlop.model.errors import TimedOut, Unavailable
from orlop.services.carriers import shimmed
from orlop.services.carriers.shimmed import ShimmedCarrier
from tests.fakes.deck import FakeNode, is_there


@pytest.fixture
async def entry(node: FakeNode, tmp_path: Path) -> AsyncIterator[ContainerEntry]:
    """A container whose shim hangs up on whoever connects; its pid is that of the container's live monitor."""
    entry = node.container(await node.start())

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    address = tmp_path / "shim.sock"
    server = await asyncio.start_unix_server(hang_up, address)
    bootstrap.write_bootstrap(entry.record.bundle, bootstrap.Bootstrap(address=f"unix://{address}"))
    yield entry
    server.close()
    await server.wait_closed()
    await node.deck.shims.aclose()


async def test_a_delete_buries_no_living_shim(
    node: FakeNode, entry: ContainerEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shimmed, "DYING_LIMIT", 0.05)
    with pytest.raises(Unavailable, match="its shim lives and cannot be reached"):
        await ShimmedCarrier(node.deck).delete(entry.record)
    assert is_there(str(tmp_path / "shim.sock"))
    assert is_there(f"{entry.record.bundle}/{bootstrap.FILE}")


async def test_a_dead_one_is_buried(node: FakeNode, entry: ContainerEntry, tmp_path: Path) -> None:
    node.deck.state.containers.update(entry.record.id, monitor_start=1)  # another process has its pid now
    await ShimmedCarrier(node.deck).delete(entry.record)
    assert not is_there(str(tmp_path / "shim.sock"))
    assert not is_there(f"{entry.record.bundle}/{bootstrap.FILE}")


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator["subprocess.Popen[bytes]"]:
    """The process that hangs; little patience is had with it."""
    monkeypatch.setattr(task, "CALL_LIMIT", 0.2)
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


@pytest.fixture
async def silent(node: FakeNode, tmp_path: Path, hung: "subprocess.Popen[bytes]") -> AsyncIterator[ContainerEntry]:
    """A container whose shim takes every call and answers none."""
    entry = node.container(await node.start())
    open_connections: list[asyncio.StreamWriter] = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_connections.append(writer)

    server = await asyncio.start_unix_server(accept, tmp_path / "shim.sock")
    bootstrap.write_bootstrap(entry.record.bundle, bootstrap.Bootstrap(address=f"unix://{tmp_path}/shim.sock"))
    node.deck.state.containers.update(entry.record.id, monitor_pid=hung.pid, monitor_start=start_time(hung.pid))
    yield node.deck.state.containers.get(entry.record.id)
    await node.deck.shims.aclose()
    for writer in open_connections:
        writer.close()
    server.close()
    await server.wait_closed()


async def test_a_shim_that_hangs_is_ended_with_its_containers_and_not_by_the_first_signal(
    node: FakeNode, silent: ContainerEntry, hung: "subprocess.Popen[bytes]"
) -> None:
    carrier = ShimmedCarrier(node.deck)
    await carrier.signal(silent, signal.SIGTERM)
    assert hung.poll() is None
    await carrier.signal(silent, signal.SIGKILL)
    assert hung.wait(30) == -signal.SIGKILL


async def test_what_hangs_in_a_delete_is_ended(
    node: FakeNode, silent: ContainerEntry, hung: "subprocess.Popen[bytes]"
) -> None:
    carrier = ShimmedCarrier(node.deck)
    with pytest.raises(TimedOut, match="Delete has no answer"):
        await carrier.delete(silent.record)
    assert hung.wait(30) == -signal.SIGKILL
