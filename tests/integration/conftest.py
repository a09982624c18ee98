"""Integration tests leave nothing behind. Against another runtime its known differences are expected failures."""

import pytest

from tests.harness.differences import expected, version_of
from tests.harness.foreign import PEER
from tests.harness.leakcheck import nothing_left, nothing_left_at_the_end

__all__ = ["nothing_left", "nothing_left_at_the_end"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what the peer is known to do in another way."""
    peer, _, binary = PEER.partition("=")
    version = version_of(peer, binary)
    for item in items:
        if mark := expected(peer, item.nodeid, version):
            item.add_marker(mark)
