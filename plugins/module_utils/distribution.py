"""Which family of distributions this machine is of, and its packages by one set of names."""

from __future__ import annotations

from ansible_collections.orlop.node.plugins.module_utils import debian, redhat

RELEASE = "/etc/os-release"
REDHAT = {"almalinux", "centos", "fedora", "ol", "rhel", "rocky"}
ERRORS = (debian.PackageError, redhat.PackageError)


def packages(release=RELEASE):
    """The module of the machine's family: `named`, `installed`, `versions`, `install`, `unpack`."""
    return redhat if REDHAT & kin(release) else debian


def kin(release=RELEASE):
    """The distribution and those that it is like (os-release(5), ID and ID_LIKE)."""
    found = set()
    with open(release, encoding="utf-8") as opened:
        for line in opened:
            name, _, value = line.strip().partition("=")
            if name in ("ID", "ID_LIKE"):
                found |= {*value.strip("\"'").split()}
    return found
