"""Debian's packages: which are installed, and installing those that are not. No python3-apt is needed.

Where the node has an airgap bundle its packages are used, and nothing else is asked.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

from ansible_collections.orlop.node.plugins.module_utils.bundle import apt_options

HINT = "Where the archive cannot be reached a bundle brings all packages: orlop_bundle, made by playbooks/bundle.yml"
ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "APT_LISTCHANGES_FRONTEND": "none"}


class PackageError(Exception):
    """apt could not do it; the text holds its own words."""


def named(names):
    """As this family names them: the roles' own names."""
    return list(names)


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
    argv = ["apt-get", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *apt_options()]
    argv += ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold", "install", *names]
    try:
        _run(argv)
    except PackageError:
        try:
            update()
            _run(argv)
        except PackageError as error:
            raise PackageError(f"{error}\n{HINT}") from error


def update():
    """Fetch the lists of packages."""
    _run(["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", *apt_options(), "update"])


def unpack(names, directory):
    """Fetch packages and unpack their files below a directory; the system does not learn of them."""
    with tempfile.TemporaryDirectory(prefix="orlop-packages-") as scratch:
        argv = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", *apt_options(), "download", *names]
        try:
            _run(argv, scratch)
        except PackageError:
            update()
            _run(argv, scratch)
        for package in sorted(os.listdir(scratch)):
            _run(["dpkg", "-x", package, directory], scratch)
    merge(directory)


def merge(directory):
    """What a release has below /usr (from Debian 13 on all of it) is found at the root as well, as on a machine."""
    for name in ("bin", "sbin"):
        root = os.path.join(directory, name)
        if os.path.isdir(os.path.join(directory, "usr", name)) and not os.path.lexists(root):
            os.symlink(f"usr/{name}", root)


def download(names, directory):
    """Fetch packages with all that they need, whatever is installed here; file names are apt's own."""
    os.makedirs(directory)
    with tempfile.TemporaryDirectory(prefix="orlop-download-") as scratch:
        os.makedirs(os.path.join(scratch, "partial"))
        nothing = os.path.join(scratch, "status")
        with open(nothing, "w", encoding="utf-8"):
            pass
        settings = {
            "APT::Sandbox::User": "root",
            "Debug::NoLocking": "1",
            # As if nothing were installed, so that everything is needed.
            "Dir::State::status": nothing,
            "Dir::Cache::archives": scratch,
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
        }
        options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
        argv = ["apt-get", "-q", "-y", "--no-install-recommends", "--download-only", *options, "install", *names]
        try:
            _run(argv)
        except PackageError:
            update()
            _run(argv)
        for name in sorted(os.listdir(scratch)):
            if name.endswith(".deb"):
                shutil.move(os.path.join(scratch, name), os.path.join(directory, name))


def fields(path):
    """The fields of a package's file, as text."""
    return _run(["dpkg-deb", "--field", path])


def bundle_facts(release, python):
    """What a bundle is for: the release, and the machine's architecture, distribution and Python."""
    version = _run([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).strip()
    architecture = _run(["dpkg", "--print-architecture"]).strip()
    return {"release": release, "architecture": architecture, "distribution": _codename(), "python": version}


def _codename():
    """Such as bookworm: packages of one do not fit another."""
    with open("/etc/os-release", encoding="utf-8") as opened:
        lines = dict(line.rstrip("\n").split("=", 1) for line in opened if "=" in line)
    return lines.get("VERSION_CODENAME", lines.get("ID", "")).strip('"')


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
