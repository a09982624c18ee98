"""Integration tests leave nothing behind. Against another runtime its known differences are expected failures."""

import pytest

from tests.harness.differences import expected
from tests.harness.foreign import PEER
from tests.harness.leakcheck import nothing_left, nothing_left_at_the_end

__all__ = ["nothing_left", "nothing_left_at_the_end"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what the peer is known to do in another way."""
    for item in items:
        if mark := expected(PEER.partition("=")[0], item.nodeid):
            item.add_marker(mark)
