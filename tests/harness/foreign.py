"""Which runtime the behaviour suite (tests/integration/lifecycle, streaming) is run against, if it is not orlop.

    ORLOP_TEST_PEER=containerd …                         Debian's containerd, started on the side
    ORLOP_TEST_PEER=containerd=/path/of/containerd …     another build; its shim is beside it
    ORLOP_TEST_PEER=crio=/path/of/crio …                 CRI-O; pinns is beside it
    ORLOP_TEST_ENDPOINT=/path/of.sock ORLOP_TEST_IMAGE=registry/busybox:1 …     whatever listens there

Tests that need a daemon of their own are then skipped, and those that demand what only orlop does say so by `ours`.
"""

import os

import pytest

PEER = os.environ.get("ORLOP_TEST_PEER", "")
ENDPOINT = os.environ.get("ORLOP_TEST_ENDPOINT", "")
FOREIGN = bool(PEER or ENDPOINT)
NO_OWN_DAEMON = "needs an orlopd of its own, and the run is against another runtime"


def ours(reason: str) -> pytest.MarkDecorator:
    """Marks a test of what the CRI leaves open, or peers do in another way; the reason tells how orlop has it."""
    return pytest.mark.skipif(FOREIGN, reason=f"orlop's own way: {reason}")
