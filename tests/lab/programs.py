"""Builds what runs in the lab, by the ordinary Go client, from pinned modules below tests/parts.

The programs are what upstream's are, but for being built here: a lab and its tests trust them, a production node takes
upstream's own by the lock file.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lab import pins
from tests.lab.places import ROOT, run

PARTS = ROOT / "tests" / "parts"


@dataclass(frozen=True)
class Program:
    """One program: where its go.mod is, its package, and what version it is told to be."""

    name: str
    module: Path
    package: str
    stamp: str = ""
    cgo: bool = False
    """With C, so linked to the distribution's libc, which its image must have. Built as ./test.sh does it, so that the
    Go client finds it in its cache."""


def programs(minor: str) -> Iterator[Program]:
    """All that a cluster of this minor needs."""
    version = pins.version(minor)
    # The same linker flag as in upstream's build; the other fields of a version (commit, date) are unknown here.
    stamp = f"-X k8s.io/component-base/version.gitVersion={version}"
    for name in pins.PROGRAMS:
        yield Program(name, pins.directory(minor), f"{pins.MODULE}/cmd/{name}", stamp)
    yield Program("etcd", PARTS / "etcd", "go.etcd.io/etcd/server/v3")
    yield Program("coredns", PARTS / "coredns", "github.com/coredns/coredns")
    yield Program("flanneld", PARTS / "flannel", "github.com/flannel-io/flannel", cgo=True)
    yield Program("flannel", PARTS / "flannel-cni", "github.com/containernetworking/plugins/plugins/meta/flannel")
    yield Program("pause", PARTS / "pause", ".")


def build(program: Program, directory: Path) -> Path:
    """Build one; what has not changed costs the Go client a moment."""
    path = directory / program.name
    flags = f"-s -w {program.stamp}".strip()
    trim = () if program.cgo else ("-trimpath",)
    run(
        *("go", "build", "-C", program.module, *trim, "-ldflags", flags, "-o", path, program.package),
        env={**os.environ, "CGO_ENABLED": str(int(program.cgo))},
    )
    return path


def module_version(program: Program) -> str:
    """The version of the module that a program is really made of; empty for our own."""
    if program.package == ".":
        return ""
    listed = run("go", "list", "-C", program.module, "-f", "{{.Module.Version}}", program.package)
    return listed.strip()
