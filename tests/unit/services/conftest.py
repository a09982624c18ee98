"""The node that verbs are tested on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.deck import FakeNode


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[FakeNode]:
    """A node with nothing on it, whose exits are watched."""
    made = FakeNode(tmp_path)
    made.watches()
    yield made
    await made.aclose()
