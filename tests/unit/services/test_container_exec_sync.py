"""ExecSync refuses what cannot work; what it does is tested with real containers."""

from typing import Any

import pytest

from orlop.engine.oci import exec as oci_exec
from orlop.engine.oci.exec import ExecResult, ExecTarget
from orlop.model.errors import FailedPrecondition, InvalidArgument, NotFound
from orlop.services.container_exec_sync import exec_sync
from orlop.services.container_start import start_container
from tests.fakes.deck import FakeNode


async def test_a_command_needs_words_and_a_container_that_runs(node: FakeNode) -> None:
    with pytest.raises(NotFound):
        await exec_sync(node.deck, "0" * 64, ("true",), 0)
    container = await node.create()
    with pytest.raises(InvalidArgument, match="container main of pod default/web: cmd is empty"):
        await exec_sync(node.deck, container, (), 0)
    with pytest.raises(FailedPrecondition, match="default/web is not running: it is CONTAINER_CREATED"):
        await exec_sync(node.deck, container, ("true",), 0)
    assert node.story.asked("runtime.exec") == []


async def test_the_runtime_finds_moves_ready(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    targets: list[ExecTarget] = []

    async def ran(target: ExecTarget, *_: object, **__: Any) -> ExecResult:
        targets.append(target)
        return ExecResult(exit_code=0, stdout=b"", stderr=b"")

    monkeypatch.setattr(oci_exec, "exec_sync", ran)
    container = await node.create()
    await start_container(node.deck, container)
    await exec_sync(node.deck, container, ("true",), 0)
    assert [target.moving for target in targets] == [node.deck.moves.held]
