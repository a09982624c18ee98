"""The go.mod files from which Kubernetes' programs are built: one for a minor, in tests/parts/kubernetes/MINOR.

The module k8s.io/kubernetes names its own staging modules as v0.0.0 and replaces them by directories, which a module
that depends on it does not inherit: each is replaced by its published twin, v0.MINOR.PATCH.
"""

import json
import os
import re
import shutil
from pathlib import Path

from tests.lab.places import ROOT, LabError, run

MODULE = "k8s.io/kubernetes"
PROGRAMS = (
    "kubeadm",
    "kubelet",
    "kubectl",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
)


def directory(minor: str) -> Path:
    """Where a minor's go.mod is kept."""
    return ROOT / "tests" / "parts" / "kubernetes" / minor


def version(minor: str) -> str:
    """The pinned version, v1.36.3 for instance."""
    found = re.search(rf"\b{MODULE} (v[0-9.]+)", (directory(minor) / "go.mod").read_text())
    if found is None:
        raise LabError(f"{directory(minor)}/go.mod names no {MODULE}: ./lab.sh pin makes it")
    return found[1]


def pin(asked: str) -> Path:
    """Write go.mod and go.sum for a version, by the ordinary Go client; what was there is replaced."""
    matched = re.fullmatch(r"v?1\.([0-9]+)\.([0-9]+)", asked)
    if matched is None:
        raise LabError(f"{asked} is no version such as 1.36.3")
    minor, patch = matched.groups()
    place = directory(f"1.{minor}")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    known = json.loads(run("go", "mod", "download", "-json", f"{MODULE}@v1.{minor}.{patch}", cwd="/"))
    theirs = json.loads(run("go", "mod", "edit", "-json", known["GoMod"]))
    staging = sorted(need["Path"] for need in theirs["Require"] if need["Version"] == "v0.0.0")
    run("go", "mod", "init", f"orlop.invalid/kubernetes-{minor}", cwd=place)
    edits = [f"-go={theirs['Go']}", f"-require={MODULE}@v1.{minor}.{patch}"]
    edits += [f"-replace={module}={module}@v0.{minor}.{patch}" for module in staging]
    # Every older staging module that a third module may ask for is among those; tools make the programs' needs direct.
    edits += [f"-tool={MODULE}/cmd/{program}" for program in PROGRAMS]
    run("go", "mod", "edit", *edits, cwd=place)
    run("go", "mod", "tidy", cwd=place, env={**os.environ, "GOFLAGS": "-mod=mod"})
    return place
