"""A registry that does as it is told, for the tests of its client."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.faulty_registry import FaultyRegistry


@pytest.fixture
async def registry() -> AsyncIterator[FaultyRegistry]:
    async with FaultyRegistry() as found:
        yield found
