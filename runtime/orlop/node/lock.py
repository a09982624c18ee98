"""The lock file, typed: versions, addresses and digests of each Kubernetes minor. Data only, no download."""

from functools import cache
from importlib import resources

import msgspec

from orlop.config.schema import Section
from orlop.model.errors import InvalidArgument

Digests = dict[str, str | None]
"""SHA-256 by architecture (amd64, arm64); null where it is not known and must be supplied by the user."""


class Images(Section):
    """Images that kubeadm of a minor uses."""

    pause: str
    etcd: str
    coredns: str


class Release(Section):
    """What one Kubernetes minor is made of."""

    patch: str
    """Newest patch whose digests are known, or else the newest known."""
    images: Images
    versions: dict[str, str]
    """Version by artefact."""
    networks: dict[str, str]
    """Version by network, and by its CNI plugin where that has one of its own: of images and charts."""


class Artefact(Section):
    """Something to download."""

    url: str | None
    """With {version} and {arch}; null: it comes from the distribution only."""
    arch: dict[str, str] = {}
    """The architecture's name in the address where it is not Debian's."""
    sums: str | None = None
    """Where its project publishes the digests, with {url}, {version} and {arch}; null: nowhere. For the refresh."""
    digests: dict[str, Digests] = {}
    """By version."""


class Lock(Section):
    """The whole file."""

    format: int
    kubernetes: dict[str, Release]
    artefacts: dict[str, Artefact]


@cache
def load() -> Lock:
    """The lock file that comes with the package."""
    data = resources.files("orlop.node").joinpath("lock.json").read_bytes()
    return msgspec.json.decode(data, type=Lock)


def release(minor: str) -> Release:
    """What the minor is made of; InvalidArgument names the minors there are."""
    known = load().kubernetes
    if minor not in known:
        raise InvalidArgument(f"kubernetes: {minor!r} is not in the lock file; it has {', '.join(sorted(known))}")
    return known[minor]
