"""Finds the programs that make a node; what is missing is unpacked aside from the distribution's packages.

Installing systemd-container would upgrade the host's other systemd packages, so it never goes into the system.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import places

PROGRAMS = {
    "mmdebstrap": ("mmdebstrap",),
    "slirp4netns": ("slirp4netns", "libslirp0"),
    "systemd-nspawn": ("systemd-container", "libsystemd-shared"),
}
"""The packages that are unpacked for a program that is not on PATH."""


class Tools:
    """Paths of the programs, and the environment that those unpacked aside need."""

    def __init__(self, aside: Path, libraries: list[Path]) -> None:
        self.path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:{aside}/usr/bin:{aside}/usr/sbin"
        self.libraries = ":".join(map(str, libraries))

    def environment(self, program: str) -> dict[str, str]:
        """For starting one program: libraries from aside only where the program itself is from there."""
        found = self.locate(program)
        ours = str(places.cache()) in found
        return {**os.environ, "PATH": self.path, **({"LD_LIBRARY_PATH": self.libraries} if ours else {})}

    def locate(self, program: str) -> str:
        """Full path of a program."""
        found = shutil.which(program, path=self.path)
        if not found:
            raise places.LabError(f"{program} is missing and its package could not be unpacked")
        return found


def find() -> Tools:
    """All programs, unpacking what is missing."""
    aside = places.cache() / "tools"
    for program, packages in PROGRAMS.items():
        if not shutil.which(program, path=Tools(aside, []).path):
            _unpack(packages, aside)
    libraries = [path for path in aside.glob("usr/lib/*-linux-gnu") if path.is_dir()]
    return Tools(aside, [*libraries, *(path / "systemd" for path in libraries)])


def _unpack(packages: tuple[str, ...], aside: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        try:
            subprocess.run(["apt-get", "-qq", "download", *packages], cwd=scratch, check=True)
        except subprocess.CalledProcessError as error:
            raise places.LabError(f"cannot fetch {' '.join(packages)}: run apt-get update, then try again") from error
        for package in Path(scratch).glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, aside], check=True)
