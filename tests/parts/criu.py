"""CRIU 4 (Debian 12's 3.17 does not run on new kernels), as a program."""

import subprocess
from pathlib import Path

import pytest

from tests.parts import trixie


def criu(directory: Path) -> Path:
    """A program named criu in a directory, which runs it with its own libraries. Skips where it cannot run."""
    binary = trixie.program("usr/sbin/criu")
    directory.mkdir(exist_ok=True)
    program = directory / "criu"
    run = f"exec {trixie.LOADER} --library-path {trixie.LIBRARIES} --argv0 criu {binary}"
    program.write_text(f'#!/bin/sh\n{run} "$@"\n')
    program.chmod(0o755)
    checked = subprocess.run([program, "check"], capture_output=True, text=True, check=False)
    if checked.returncode != 0:
        pytest.skip(f"CRIU does not run on this kernel: {checked.stderr.strip()[-300:]}")
    return program
