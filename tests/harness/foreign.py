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


REFUSALS = {
    # crun 1.8.1, Debian's, takes no OCI configuration of a version later than its own. Peers of today write one.
    "unknown version specified": "its OCI runtime is too old for the configuration that the peer writes",
    # Without CAP_SYS_RESOURCE no score goes below one's own, and no container gets more than the machine has.
    "update /proc/self/oom_score_adj": "it asks for a score of the OOM killer that the machine does not give",
    "unable to apply caps": "it asks for capabilities that the machine does not give",
}
"""Words of a peer's refusals that tell of a part it was given or of the machine, and what they mean."""


def excuse(rpc: str, code: str, message: str) -> str:
    """Why a test cannot go on after a peer's error, if it is for want of a feature; empty for a failure."""
    if code == "UNIMPLEMENTED":
        return f"the runtime does not have {rpc}"
    return next((why for words, why in REFUSALS.items() if words in message), "")


def ours(reason: str) -> pytest.MarkDecorator:
    """Marks a test of what the CRI leaves open, or peers do in another way; the reason tells how orlop has it."""
    return pytest.mark.skipif(FOREIGN, reason=f"orlop's own way: {reason}")
