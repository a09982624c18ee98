"""Whether a cluster can take a step to another version of Kubernetes: the version skew policy, said as sentences. Pure.

Source: Kubernetes' version skew policy, and what kubeadm upgrade supports: one minor at a time, and never back.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

Version = tuple[int, int, int]
OLDEST = 3
"""Minors that a kubelet may be older than the API server."""


def parse(text: str) -> Version:
    """Such as v1.36.3, also with a suffix; ValueError for anything else."""
    major, minor, patch = text.removeprefix("v").partition("-")[0].partition("+")[0].split(".")
    return int(major), int(minor), int(patch)


def problems(
    target: str, *, role: Literal["control_plane", "worker"], server: str, node: str, kubelets: Mapping[str, str]
) -> list[str]:
    """Why a node must not be brought to `target` now; `server` is the API server's version.

    `node` is the node's name, and `kubelets` has every node's kubelet by the node's name.
    """
    wanted, running = parse(target), parse(server)
    found = list(_back(wanted, node, kubelets.get(node, "")))
    if role == "control_plane":
        found += _control_plane(wanted, running, kubelets)
    elif wanted[:2] > running[:2]:
        found.append(
            f"a kubelet {target} would be newer than the API server {server}, which is never allowed: upgrade the"
            " control planes first (run playbooks/upgrade.yml without --limit, or with them in it)"
        )
    return found


def _back(wanted: Version, node: str, kubelet: str) -> Iterator[str]:
    if kubelet and wanted < parse(kubelet):
        yield (
            f"{node} runs {kubelet.removeprefix('v')}, and the declaration says {_text(wanted)}: a member never goes"
            " back to an older version; take it out of the cluster and make it anew (reset.yml, then site.yml) where"
            " it must"
        )


def _control_plane(wanted: Version, running: Version, kubelets: Mapping[str, str]) -> Iterator[str]:
    if wanted < running:
        yield f"the cluster runs {_text(running)}, and never goes back to {_text(wanted)}"
    if (wanted[0], wanted[1]) > (running[0], running[1] + 1):
        yield (
            f"the cluster runs {_text(running)}, and an upgrade takes one minor at a time: declare kubernetes"
            f" {running[0]}.{running[1] + 1} first, not {wanted[0]}.{wanted[1]}"
        )
    for name, version in sorted(kubelets.items()):
        if parse(version)[1] < wanted[1] - OLDEST:
            yield (
                f"{name} has kubelet {version.removeprefix('v')}, more than {OLDEST} minors older than {_text(wanted)}:"
                " upgrade that node first"
            )


def _text(version: Version) -> str:
    return ".".join(map(str, version))
