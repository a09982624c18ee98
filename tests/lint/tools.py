"""Runs a linter over the repository; its whole output is the failure's message."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def check(*argv: str, env: dict[str, str] | None = None) -> None:
    """The command must succeed, run at the repository's root."""
    found = Path(sys.executable).with_name(argv[0])
    command = [str(found) if found.exists() else argv[0], *argv[1:]]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "runtime", **(env or {})},
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}", pytrace=False)


def tracked(*patterns: str) -> list[Path]:
    """Files under version control, and new ones that are not ignored, that match."""
    argv = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    lines = subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [ROOT / line for line in lines if (ROOT / line).is_file()]
