"""A newer lock file from what the projects publish: patches, and digests of downloads. The fetching is the caller's.

Only what is published is taken: where a project publishes no sums, or they cannot be had, the digest stays unknown, and
a user supplies it. A digest that is known is never replaced: a download that changed under its name is told instead.
Images of a minor (etcd, CoreDNS, pause) follow from its kubeadm and are kept by hand: kubeadm config images list.
"""

import json
import re
from collections.abc import Callable
from typing import Any

STABLE = "https://dl.k8s.io/release/stable-{minor}.txt"
"""Text: the newest patch of a minor, such as v1.36.5."""
KUBERNETES = ("kubelet", "kubeadm", "kubectl")
ARCHITECTURES = ("amd64", "arm64")
LIMIT = 1 << 20
"""Bytes of a file of sums."""

Fetch = Callable[[str], str]
"""The text at an address; OSError where it cannot be had."""

_SUM = re.compile(r"\b([0-9a-f]{64})\b(?:[ \t]+\*?(\S+))?")
_UNKNOWN = re.compile(r"\{\s*" + r",\s*".join(rf'"{arch}": null' for arch in ARCHITECTURES) + r"\s*\}")


def refresh(text: str, fetch: Fetch) -> tuple[str, list[str]]:
    """The new text of the lock file, and what people must know: one sentence each."""
    lock, told = json.loads(text), []
    for minor, release in lock["kubernetes"].items():
        told += _newest(minor, release, fetch)
    for name, artefact in lock["artefacts"].items():
        if artefact["url"] is not None:
            told += _digests(name, artefact, lock["kubernetes"], fetch)
    return dumps(lock), told


def dumps(lock: dict[str, Any]) -> str:
    """As the file is written: two digests that nobody knows take one line."""
    unknown = ", ".join(f'"{arch}": null' for arch in ARCHITECTURES)
    return _UNKNOWN.sub(f"{{{unknown}}}", json.dumps(lock, indent=2)) + "\n"


def _newest(minor: str, release: dict[str, Any], fetch: Fetch) -> list[str]:
    address = STABLE.format(minor=minor)
    try:
        found = fetch(address).strip().removeprefix("v")
    except OSError as error:
        return [f"{minor}: its newest patch cannot be had from {address}: {error}"]
    if not re.fullmatch(rf"{re.escape(minor)}[.][0-9]+", found):
        return [f"{minor}: {address} says {found[:40]!r}, which is no patch of it"]
    if _number(found) < _number(release["patch"]):
        return [f"{minor}: {address} says {found}, which is older than {release['patch']}"]
    release["patch"] = found
    release["versions"] |= dict.fromkeys(KUBERNETES, found)
    return []


def _number(patch: str) -> int:
    return int(patch.rpartition(".")[2])


def _digests(name: str, artefact: dict[str, Any], minors: dict[str, Any], fetch: Fetch) -> list[str]:
    """Each version that a minor uses."""
    told = []
    versions = dict.fromkeys(release["versions"][name] for release in minors.values() if name in release["versions"])
    for version in versions:
        digests = artefact["digests"].setdefault(version, dict.fromkeys(ARCHITECTURES))
        for arch in ARCHITECTURES:
            url = artefact["url"].format(version=version, arch=artefact.get("arch", {}).get(arch, arch))
            found, why = _published(artefact.get("sums"), url, version, arch, fetch)
            known = digests.get(arch)
            if found and known and found != known:
                told.append(
                    f"{url} is published with the digest {found}, and had {known}: find out why; nothing changed"
                )
            elif found or known:
                digests[arch] = known or found
            else:
                told.append(f"{url}: {why}; whoever uses it must supply the digest")
    return told


def _published(sums: str | None, url: str, version: str, arch: str, fetch: Fetch) -> tuple[str | None, str]:
    """The digest that the project publishes, or why there is none."""
    if sums is None:
        return None, "its project publishes no sum"
    address = sums.format(url=url, version=version, arch=arch)
    try:
        text = fetch(address)
    except OSError as error:
        return None, f"its sum cannot be had from {address} ({error})"
    lines = _SUM.findall(text)
    # A file for one download may hold the sum alone.
    for digest, name in lines:
        if name.rpartition("/")[2] == url.rpartition("/")[2] or (len(lines) == 1 and not name):
            return digest, ""
    return None, f"{address} has no sum of it"
