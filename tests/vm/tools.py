"""Places and commands that the parts of the virtual machine share."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def place(name: str) -> Path:
    """A file or directory of the machine; its parent exists."""
    directory = ROOT / ".cache" / "vm"
    directory.mkdir(parents=True, exist_ok=True)
    return directory / name


def run(*argv: str, given: bytes | None = None) -> None:
    """Run a command, which must succeed; its output goes where ours goes."""
    subprocess.run(argv, check=True, input=given)
