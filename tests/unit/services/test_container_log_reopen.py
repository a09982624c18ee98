"""ReopenContainerLog refuses what cannot work; what it does is tested with real containers."""

import pytest

from orlop.model.errors import FailedPrecondition, NotFound
from orlop.services.container_log_reopen import reopen_container_log
from tests.fakes.deck import FakeNode


async def test_a_log_needs_a_container_that_runs_and_has_one(node: FakeNode) -> None:
    with pytest.raises(NotFound):
        await reopen_container_log(node.deck, "0" * 64)
    pod = await node.run_pod()
    container = await node.create(pod)
    with pytest.raises(FailedPrecondition, match="default/web is not running: its log cannot be reopened"):
        await reopen_container_log(node.deck, container)
    node.deck.state.containers.update(container, started_at=1)
    with pytest.raises(FailedPrecondition, match="has no log: it was made without log_path"):
        await reopen_container_log(node.deck, container)
