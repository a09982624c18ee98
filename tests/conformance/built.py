"""What test.sh builds with Go and fetches for this tier, in .cache/bin and .cache/debs."""

import os
from pathlib import Path

import pytest

from tests.conformance import debs

BIN = debs.ROOT / ".cache" / "bin"


def require(*names: str) -> Path:
    """Path of the last program; all must be there, and the packages too.

    The tier is skipped, visibly, where something could not be built, and fails where it must run.
    """
    absent = next((f"{BIN}/{name}" for name in names if not (BIN / name).exists()), "") or debs.missing()
    if absent and os.environ.get("ORLOP_REQUIRE_GO") == "1":
        pytest.fail(f"{absent} is not there, and ORLOP_REQUIRE_GO=1 says that this tier must run", pytrace=False)
    if absent:
        pytest.skip(f"{absent} is not there: install Go and call ./test.sh")
    return BIN / names[-1]
