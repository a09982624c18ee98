"""StartContainer: created containers run, and no others."""

import pytest

from orlop.model.enums import ContainerState
from orlop.model.errors import FailedPrecondition, NotFound
from orlop.services.container_start import start_container
from tests.fakes.deck import FakeNode


async def test_a_created_container_runs(node: FakeNode) -> None:
    container = await node.create()
    assert node.container(container).status.state is ContainerState.CONTAINER_CREATED
    await start_container(node.deck, container)
    assert node.container(container).status.state is ContainerState.CONTAINER_RUNNING
    assert node.story.asked("runtime.start") == [container]
