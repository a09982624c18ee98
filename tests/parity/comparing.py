"""The readable difference between what two provisioners would write."""

import difflib
from collections.abc import Mapping

PROGRAMS = {
    "/store/orlop/bin/orlopd": "/opt/orlop/venv/bin/orlopd",
    "/store/kubernetes/bin/kubelet": "/usr/bin/kubelet",
    "/store/kubernetes_1_36/bin/kubelet": "/usr/bin/kubelet",
    "/store/kubernetes_1_35/bin/kubelet": "/usr/bin/kubelet",
}
"""Where programs are is the one thing that must differ: in units, and there alone."""


def difference(name: str, ansible: Mapping[str, str], nix: Mapping[str, str]) -> str:
    """Empty where both write the same files with the same bytes; else one unified difference per file."""
    found = [f"{name}: only Ansible writes {path}\n" for path in sorted(set(ansible) - set(nix))]
    found += [f"{name}: only Nix writes {path}\n" for path in sorted(set(nix) - set(ansible))]
    for path in sorted(set(ansible) & set(nix)):
        ours, theirs = ansible[path], _with_places(path, nix[path])
        lines = difflib.unified_diff(
            ours.splitlines(keepends=True),
            theirs.splitlines(keepends=True),
            fromfile=f"ansible {name} {path}",
            tofile=f"nix {name} {path}",
        )
        found += lines
        if ours != theirs and ours.splitlines() == theirs.splitlines():
            found.append(f"{name}: {path} differs in the ends of its lines\n")
    return "".join(found)


def _with_places(path: str, content: str) -> str:
    if path.startswith("/etc/systemd/"):
        for theirs, ours in PROGRAMS.items():
            content = content.replace(theirs, ours)
    return content
