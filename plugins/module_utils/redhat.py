"""Packages of RHEL and its kin: which are installed, and installing those that are not. By rpm(8) and dnf(8) alone.

Roles name packages as Debian does; what is named otherwise here, or is not there, is in NAMES.
"""

from __future__ import annotations

import os
import subprocess
import tempfile

NAMES = {
    "busybox-static": (),  # nobody packages it: prove nodes with an image of yours (verify_image)
    "containerd": (),  # not in the distribution: bring the shim yourself
    "docker-registry": (),
    "iproute2": ("iproute",),
    "iptables": ("iptables-nft",),
    "kmod": ("kmod", "kernel-modules-core"),
    "mount": ("util-linux",),
    "python3-venv": (),  # Python brings it
}
"""Names by Debian's; empty where there is no such package or none is needed."""
BY_DIGEST = {"containernetworking-plugins": "cni-plugins", "runc": "runc"}
"""What RHEL 10 does not package any more, by the name under which a declaration brings it."""
ENVIRONMENT = {"LC_ALL": "C.UTF-8"}


class PackageError(Exception):
    """dnf could not do it; the text holds its own words."""


def named(names):
    """As this family names them."""
    return [each for name in names for each in NAMES.get(name, (name,))]


def installed():
    """Names of all packages that are installed."""
    return set(_run(["rpm", "-qa", "--queryformat", "%{NAME}\n"]).split())


def versions(names):
    """Installed version by name."""
    query = ["rpm", "-q", "--queryformat", "%{NAME} %{VERSION}-%{RELEASE}\n", *names]
    return dict(line.split(" ", 1) for line in _run(query).splitlines()) if names else {}


def install(names):
    """Install packages, without those that are only recommended."""
    try:
        _run(["dnf", "-y", "--quiet", "--setopt=install_weak_deps=False", "install", *names])
    except PackageError as error:
        brought = ", ".join(f"{BY_DIGEST[name]}: {{}}" for name in names if name in BY_DIGEST)
        hint = f"\nRHEL 10 does not package all of it: declare artefacts: {{{brought}}}" if brought else ""
        raise PackageError(f"{error}{hint}") from error


def unpack(names, directory):
    """Fetch packages and unpack their files below a directory; the system does not learn of them."""
    with tempfile.TemporaryDirectory(prefix="orlop-packages-") as scratch:
        _run(["dnf", "-y", "--quiet", "download", "--destdir", scratch, *names], scratch)
        for package in sorted(os.listdir(scratch)):
            with subprocess.Popen(["rpm2cpio", os.path.join(scratch, package)], stdout=subprocess.PIPE) as archive:
                argv = ["cpio", "--extract", "--make-directories", "--quiet"]
                done = subprocess.run(argv, stdin=archive.stdout, cwd=directory, capture_output=True, text=True)
            if done.returncode or archive.returncode:
                raise PackageError(f"{package} cannot be unpacked: {done.stderr.strip()}")


def _run(argv, cwd="/"):
    try:
        done = subprocess.run(
            argv,
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=cwd,
        )
    except FileNotFoundError as error:
        raise PackageError(f"{argv[0]} is missing here") from error
    if done.returncode != 0:
        told = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise PackageError(f"{' '.join(argv)} ended with {done.returncode}:\n{told}")
    return done.stdout
