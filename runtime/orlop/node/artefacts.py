"""What is downloaded for a node: the lock file's entries, and what a declaration says in their place. Pure."""

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec

from orlop.config.errors import Problem
from orlop.config.schema import Section
from orlop.model.errors import InvalidArgument
from orlop.node import lock

ARCHITECTURES = ("amd64", "arm64")
KUBERNETES = ("kubelet", "kubeadm", "kubectl")
"""What every member has, all of one version."""
OPTIONAL = ("crictl",)
"""What a member gets where the declaration names it, be it with nothing said of it."""
PROGRAMS = ("conmon", "crun", "runc")
"""The distribution's, but where the declaration names them: then by digest."""
PLUGINS = "cni-plugins"
"""Likewise; one archive of all standard plugins."""
STANDARD_PLUGINS = frozenset(
    "bandwidth bridge dhcp dummy firewall host-device host-local ipvlan loopback macvlan portmap ptp sbr static tap"
    " tuning vlan vrf".split()
)
"""What is in that archive: containernetworking/plugins, release 1.9."""

Arch = Annotated[str, msgspec.Meta(pattern=r"^(amd64|arm64)$")]
Version = Annotated[str, msgspec.Meta(pattern=r"^([0-9]+([.][0-9A-Za-z+-]+)*)?$")]
Url = Annotated[str, msgspec.Meta(pattern=r"^((https?|file)://.+|/.*)?$")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?$")]
"""Not for the text in Artefact.sha256: msgspec 0.22 crashes where a text with a pattern and a table form a union."""


class Artefact(Section):
    """What the lock file says of an artefact, said otherwise; what is left out is the lock file's."""

    version: Version = ""
    """Such as 1.36.4, without a v; empty: the lock file's for the minor."""
    url: Url = ""
    """Address, or absolute path on the node, in which {version} and {arch} are filled in; empty: the lock file's."""
    sha256: str | dict[Arch, Sha256] = ""
    """Digest of what is at the address, by architecture where they differ; empty: the lock file's for the version."""


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """One file to bring to a node."""

    name: str
    version: str
    url: str
    """http, https or file address, or an absolute path on the node."""
    sha256: str | None
    """None: nobody has said it, so that the file cannot be trusted."""
    option: str
    """Its name in `artefacts` of a declaration: for plugins that of their archive."""


class Unsaid(msgspec.Struct, frozen=True, kw_only=True):
    """An artefact whose digest nobody has said: nothing is touched before somebody does."""

    name: str
    """In `artefacts` of a declaration."""
    version: str
    url: str
    known: list[str]
    """Versions that would do and whose digests the lock file has."""


Declared = dict[str, Artefact]


def version(declared: Declared, name: str, minor: str) -> str:
    """The version that a node of the minor gets; InvalidArgument where nobody says one."""
    found = _said(declared, name).version or lock.release(minor).versions.get(name)
    if not found:
        raise InvalidArgument(f"artefacts.{name}.version: the lock file has none for {minor}")
    return found


def fetch(declared: Declared, name: str, minor: str, arch: str) -> Fetch:
    """Where an artefact of a node comes from, and its digest; InvalidArgument where it has no address."""
    said, locked, wanted = _said(declared, name), lock.load().artefacts.get(name), version(declared, name, minor)
    address = said.url or (locked.url if locked else None)
    if not address:
        raise InvalidArgument(
            f"{name}: the lock file has no address for it in {minor}; take the distribution's package"
        )
    naming = arch if said.url or locked is None else locked.arch.get(arch, arch)
    url = address.replace("{version}", wanted).replace("{arch}", naming)
    digest = said.sha256 if isinstance(said.sha256, str) else _of(said.sha256, arch)
    known = locked.digests.get(wanted, {}).get(arch) if locked else None
    return Fetch(name=name, version=wanted, url=url, sha256=digest or known, option=name)


def of_a_member(declared: Declared, minor: str) -> dict[str, list[Fetch]]:
    """What a member of a cluster gets, by architecture."""
    names = [*KUBERNETES, *(name for name in OPTIONAL if name in declared)]
    return {arch: [fetch(declared, name, minor, arch) for name in names] for arch in ARCHITECTURES}


def of_a_node(declared: Declared, minor: str) -> dict[str, list[Fetch]]:
    """Programs that any node gets by digest and not from its distribution, by architecture."""
    names = [name for name in PROGRAMS if name in declared]
    return {arch: [fetch(declared, name, minor, arch) for name in names] for arch in ARCHITECTURES}


def of_a_network(declared: Declared, minor: str, plugins: Iterable[str]) -> dict[str, list[Fetch]]:
    """Likewise of the plugins that its network needs: each is in the one archive."""
    names = sorted(STANDARD_PLUGINS.intersection(plugins)) if PLUGINS in declared else []
    archive = {arch: fetch(declared, PLUGINS, minor, arch) for arch in (ARCHITECTURES if names else ())}
    return {
        arch: [msgspec.structs.replace(archive[arch], name=name) for name in names] if names else []
        for arch in ARCHITECTURES
    }


def unsaid(fetched: Iterable[Fetch], arch: str) -> list[Unsaid]:
    """Those without a digest, each once."""
    found = {each.option: each for each in fetched if not each.sha256}
    return [
        Unsaid(name=name, version=each.version, url=each.url, known=_known(each, arch)) for name, each in found.items()
    ]


def _known(fetched: Fetch, arch: str) -> list[str]:
    """Of Kubernetes' programs only those of the minor that the node is for."""
    digests = lock.load().artefacts[fetched.option].digests
    minor = fetched.version.rpartition(".")[0] if fetched.option in KUBERNETES else ""
    return [each for each, by_arch in digests.items() if by_arch.get(arch) and each.startswith(minor)]


def problems(declared: Declared, minor: str) -> Iterator[Problem]:
    """Overrides that the lock file does not know by name, or that do not fit the minor or each other."""
    known = [*lock.load().artefacts]
    for name in declared:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
            yield Problem(f"artefacts.{name}", f"there is no such artefact; {hint}")
    for name, said in declared.items():
        if isinstance(said.sha256, str) and not re.fullmatch(r"([0-9a-f]{64})?", said.sha256):
            yield Problem(f"artefacts.{name}.sha256", "must be 64 hexadecimal digits")
    for name in (name for name in PROGRAMS if name in declared):
        if not (declared[name].url or lock.load().artefacts[name].url):
            hint = "the lock file has none: say where it is, with its sha256, or leave it to the distribution's package"
            yield Problem(f"artefacts.{name}.url", hint)
    for name in KUBERNETES:
        found = version(declared, name, minor)
        if not found.startswith(f"{minor}."):
            yield Problem(f"artefacts.{name}.version", f"{found} is not of {minor}, which the node is for")
    kubelet, kubeadm = (version(declared, name, minor) for name in ("kubelet", "kubeadm"))
    if kubelet != kubeadm:
        yield Problem(
            "artefacts.kubeadm.version", f"kubeadm {kubeadm} and kubelet {kubelet} must be of one version: give both"
        )


def _said(declared: Declared, name: str) -> Artefact:
    return declared.get(name, Artefact())


def _of(digests: dict[Arch, str], arch: str) -> str:
    return digests.get(arch, "")
