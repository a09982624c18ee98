"""Which of an index's images this machine runs. Pure but for the machine's own name."""

import os
from collections.abc import Sequence

from orlop.engine.images.manifest import Config, Descriptor, Platform
from orlop.model.errors import NotFound

_ARCHITECTURES = {
    "x86_64": ("amd64", ("", "v1", "v2")),
    "aarch64": ("arm64", ("v8", "")),
    "armv8l": ("arm", ("v8", "v7", "v6", "v5", "")),
    "armv7l": ("arm", ("v7", "v6", "v5", "")),
    "armv6l": ("arm", ("v6", "v5", "")),
    "i686": ("386", ("",)),
    "ppc64le": ("ppc64le", ("",)),
    "riscv64": ("riscv64", ("",)),
    "s390x": ("s390x", ("",)),
    "loongarch64": ("loong64", ("",)),
}
"""Machine name (uname(2)) to Go's name and the variants it runs, best first."""


def machine() -> str:
    """This machine, as uname(2) calls it."""
    return os.uname().machine


def here(name: str = "") -> Platform:
    """The platform of a machine (this one) in the words of images."""
    architecture, _ = _known(name)
    return Platform(architecture=architecture, os="linux")


def _known(name: str) -> tuple[str, tuple[str, ...]]:
    name = name or machine()
    return _ARCHITECTURES.get(name, (name, ("",)))


def choose(manifests: Sequence[Descriptor], what: str, name: str = "") -> Descriptor:
    """The manifest for this machine. Raises NotFound listing the platforms that there are."""
    architecture, variants = _known(name)
    for variant in variants:
        for each in manifests:
            offered = each.platform or Platform()
            if (offered.os, offered.architecture, offered.variant or "") == ("linux", architecture, variant):
                return each
    if len(manifests) == 1 and manifests[0].platform is None:
        return manifests[0]
    # Attestations are listed as "unknown/unknown"; they are no platforms.
    found = sorted({str(each.platform) for each in manifests if each.platform and each.platform.os != "unknown"})
    raise NotFound(f"{what} has no image for {here(name)}; it has: {', '.join(found) or 'none at all'}")


def check(config: Config, what: str, name: str = "") -> None:
    """Refuse an image that says it is for another machine; one that says nothing is taken at its word."""
    architecture, variants = _known(name)
    wanted = config.platform
    fits = wanted.architecture in ("", architecture) and wanted.os in ("", "linux")
    if not fits or (wanted.architecture == "arm" and (wanted.variant or "") not in variants):
        raise NotFound(f"{what} is for {wanted}, and this machine is {here(name)}")
