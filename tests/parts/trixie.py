"""Programs of the next Debian, which test.sh unpacks beside the system with their own libraries; none is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / ".cache/trixie/root"
LOADER = ROOT / "usr/lib64/ld-linux-x86-64.so.2"
LIBRARIES = ROOT / "usr/lib/x86_64-linux-gnu"


def program(name: str) -> Path:
    """Where a program lies, such as usr/bin/crun; it needs LOADER and LIBRARIES. Skips where there is none."""
    path = ROOT / name
    if not LOADER.exists() or not path.exists():
        pytest.skip(f"{path} is not there: test.sh unpacks it where Debian's archive can be reached, on amd64")
    return path


def linked(name: str, path: Path) -> Path:
    """A copy at `path` that is linked to its own libraries: for programs that execute themselves again, as crun does.

    Skips where there is none, or no patchelf(1).
    """
    source = program(name)
    if shutil.which("patchelf") is None:
        pytest.skip(f"no patchelf here, which {source} needs to find its libraries: test.sh installs it")
    # An rpath, for a runpath does not hold for the libraries' own libraries (ld.so(8)).
    argv = ["patchelf", "--force-rpath", "--set-rpath", LIBRARIES, "--set-interpreter", LOADER, "--output", path]
    subprocess.run([*argv, source], check=True, capture_output=True)
    return path
