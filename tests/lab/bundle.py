"""`./lab.sh bundle`: everything of a cluster that is not the node's own, made on this machine from Go modules.

Programs for the nodes, and a registry's directory with all images, packed by the project's own image tools.
"""

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

from tests.lab import images, pins, programs
from tests.lab.places import LabError, bundle
from tests.parts.registry import Registry, available

ON_NODES = ("kubeadm", "kubelet", "kubectl")


def make(minor: str) -> Path:
    """Make a minor's bundle, or as much of it as is missing; returns its directory."""
    if not shutil.which("go"):
        raise LabError("go is needed: the programs are built from their Go modules")
    if not available():
        raise LabError("docker-registry is needed: apt-get install docker-registry")
    place = bundle(minor)
    binaries = place / "bin"
    binaries.mkdir(parents=True, exist_ok=True)
    versions, digests = {}, {}
    for program in programs.programs(minor):
        begun = time.monotonic()
        path = programs.build(program, binaries)
        versions[program.name] = programs.module_version(program)
        digests[program.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        print(f"{program.name:26}{versions[program.name]:18}{time.monotonic() - begun:6.1f} s", flush=True)
    known = {"kubernetes": pins.version(minor), "versions": versions, "sha256": digests}
    if not is_made(minor) or describe(minor)["sha256"] != digests:
        known["images"] = _pack(minor, place, versions)
        (place / "bundle.json").write_text(json.dumps(known, indent=2))
    return place


def is_made(minor: str) -> bool:
    """Whether a bundle is there, whole."""
    return (bundle(minor) / "bundle.json").is_file()


def describe(minor: str) -> dict[str, Any]:
    """What is in it: versions of modules, digests of programs, images by name."""
    known: dict[str, Any] = json.loads((bundle(minor) / "bundle.json").read_text())
    return known


def _pack(minor: str, place: Path, versions: dict[str, str]) -> dict[str, str]:
    shutil.rmtree(place / "registry", ignore_errors=True)
    packed = {}
    with Registry(place / "registry") as registry:
        for name, image in images.images(minor, place / "bin", versions):
            registry.push(image, name.partition("/")[2])
            packed[name] = image.digest
            size = sum(len(layer.blob) for layer in image.layers) / 1e6
            print(f"{name:60}{size:7.1f} MB", flush=True)
    return packed
