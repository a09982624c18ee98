"""A shim that cannot be reached is buried only where it is dead: burying takes its socket away, for the whole pod."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orlop.engine.shim import bootstrap
from orlop.engine.state.table import ContainerEntry
from orlop.model.errors import Unavailable
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
