"""Tools that test.sh builds from the go.mod files of tests/conformance and tests/parts."""

import os
from pathlib import Path

import pytest

BIN = Path(__file__).resolve().parents[2] / ".cache/bin"


def tool(name: str) -> str:
    """Path of a tool that test.sh built. Skips, or fails where Go is required, when it is not there."""
    path = BIN / name
    if path.exists():
        return str(path)
    reason = f"{path} is not built: test.sh builds it where there is a Go client"
    if os.environ.get("ORLOP_REQUIRE_GO") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
