"""Debian's packages: which are installed, and installing those that are not. No python3-apt is needed."""

from __future__ import annotations

import os
import subprocess
import tempfile

ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "APT_LISTCHANGES_FRONTEND": "none"}


class PackageError(Exception):
    """apt could not do it; the text holds its own words."""


def installed():
    """Names of all packages that are wholly installed."""
    lines = _run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"]).splitlines()
    return {line.split(" ", 1)[1] for line in lines if line.startswith("installed ")}


def versions(names):
    """Installed version by name."""
    lines = _run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *names]).splitlines() if names else []
    return dict(line.split(" ", 1) for line in lines)


def install(names):
    """Install packages; the lists are fetched first where they are missing or too old for the archive."""
    argv = ["apt-get", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    argv += ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold", "install", *names]
    try:
        _run(argv)
    except PackageError:
        update()
        _run(argv)


def update():
    """Fetch the lists of packages."""
    _run(["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "update"])


def unpack(names, directory):
    """Fetch packages and unpack their files below a directory; the system does not learn of them."""
    with tempfile.TemporaryDirectory(prefix="orlop-packages-") as scratch:
        argv = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *names]
        try:
            _run(argv, scratch)
        except PackageError:
            update()
            _run(argv, scratch)
        for package in sorted(os.listdir(scratch)):
            _run(["dpkg", "-x", package, directory], scratch)


def _run(argv, cwd="/"):
    done = subprocess.run(
        argv,
        env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=cwd,
    )
    if done.returncode != 0:
        told = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise PackageError(f"{' '.join(argv)} ended with {done.returncode}:\n{told}")
    return done.stdout
