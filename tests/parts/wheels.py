"""Wheels of everything that the package needs to be built and run, kept below .cache for the next run."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.harness import privacy

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 400.0
LOCKED = tuple(ROOT / "requirements" / name for name in ("build.txt", "daemon.txt"))


class NoWheelsError(Exception):
    """They cannot be had: what pip said."""


def wheels() -> Path:
    """The directory; NoWheelsError where the machine cannot reach a package index."""
    recipe = b"".join(path.read_bytes() for path in LOCKED) + sys.version.encode()
    place = ROOT / ".cache" / "wheels" / hashlib.sha256(recipe).hexdigest()[:16]
    if not place.is_dir():
        _fetch(place)
    return place


def _fetch(place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=place.parent, prefix="unfinished-"))
    argv = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--require-hashes"]
    argv += ["--only-binary=:all:", "--dest", str(unfinished)]
    for path in LOCKED:
        argv += ["-r", str(path)]
    try:
        done = privacy.on_host(argv, env=dict(os.environ), timeout=LIMIT)
        failed = done.stdout.strip()[-500:] if done.returncode != 0 else ""
    except subprocess.TimeoutExpired:
        failed = f"pip was not ready after {LIMIT} s"
    if failed:
        shutil.rmtree(unfinished)
        raise NoWheelsError(failed)
    unfinished.chmod(0o755)
    try:
        unfinished.rename(place)
    except OSError:  # another run was faster
        shutil.rmtree(unfinished)
