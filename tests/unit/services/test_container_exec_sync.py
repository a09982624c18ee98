"""ExecSync refuses what cannot work; what it does is tested with real containers."""

import pytest

from orlop.model.errors import FailedPrecondition, InvalidArgument, NotFound
from orlop.services.container_exec_sync import exec_sync
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
