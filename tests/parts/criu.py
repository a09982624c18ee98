"""CRIU 4, which test.sh unpacks beside the system (Debian 12's 3.17 does not run on new kernels), as a program."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / ".cache/criu/root"


def criu(directory: Path) -> Path:
    """A program named criu in a directory, which runs it with its own libraries. Skips where it cannot run."""
    loader = ROOT / "usr/lib64/ld-linux-x86-64.so.2"
    if not loader.exists():
        pytest.skip(f"{ROOT} is not there: test.sh fetches CRIU 4 where Debian's archive can be reached, on amd64")
    directory.mkdir(exist_ok=True)
    program = directory / "criu"
    libraries = ROOT / "usr/lib/x86_64-linux-gnu"
    program.write_text(f'#!/bin/sh\nexec {loader} --library-path {libraries} --argv0 criu {ROOT}/usr/sbin/criu "$@"\n')
    program.chmod(0o755)
    checked = subprocess.run([program, "check"], capture_output=True, text=True, check=False)
    if checked.returncode != 0:
        pytest.skip(f"CRIU does not run on this kernel: {checked.stderr.strip()[-300:]}")
    return program
