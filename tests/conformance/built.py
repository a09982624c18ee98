"""What test.sh builds with Go and fetches for this tier, in .cache/bin and .cache/debs."""

import os
from pathlib import Path

import pytest

from tests.conformance import debs
from tests.parts.tools import tool


def require(*names: str) -> Path:
    """Path of the last program; all must be there, and the images' packages too, else the test is skipped or fails."""
    paths = [tool(name) for name in names]
    if absent := debs.missing():
        reason = f"{absent} is not there: test.sh fetches it"
        if os.environ.get("ORLOP_REQUIRE_GO") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(paths[-1])
