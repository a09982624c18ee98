"""Versions of programs on a machine, beside those that its declaration stands for."""

import mmap
import os
from pathlib import Path

import pytest

from orlop.node import installed
from orlop.node.declaring import declare
from orlop.node.plan import plan

DIGEST = "a" * 64
WANTED = plan(
    declare(
        {
            "kubernetes": "1.36",
            "member": {"role": "worker"},
            "artefacts": {"runc": {"version": "1.4.3"}, "cni-plugins": {"version": "1.9.1", "sha256": DIGEST}},
        }
    )
)


def found(root: Path) -> dict[str, tuple[str, str]]:
    return {each.name: (each.declared, each.found) for each in installed.versions(WANTED, str(root), "x86_64")}


def link(root: Path, path: str, target: str) -> None:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(target)


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A machine with all of it, in the versions of the plan."""
    (tmp_path / "opt/orlop/kubernetes").mkdir(parents=True)
    for group, store, place in (
        (WANTED.artefacts, installed.KUBERNETES, "/usr/bin"),
        (WANTED.verified, installed.PROGRAMS, "/usr/local/bin"),
        (WANTED.verified_plugins, installed.PROGRAMS, "/opt/cni/bin"),
    ):
        for each in group["amd64"]:
            kept = f"{store}/{each.name}-{each.version}-{(each.sha256 or '')[:12]}"
            link(tmp_path, f"{place}/{each.name}", kept)
    return tmp_path


def test_a_machine_as_declared(node: Path) -> None:
    assert found(node) == {}


def test_another_version_another_digest_and_none_are_named(node: Path) -> None:
    link(node, "/usr/bin/kubelet", f"{installed.KUBERNETES}/kubelet-1.36.3-{'b' * 12}")
    link(node, "/opt/cni/bin/bridge", f"{installed.PROGRAMS}/bridge-1.9.1-{'b' * 12}")
    (node / "usr/bin/kubectl").unlink()
    told = found(node)
    assert told.keys() == {"/usr/bin/kubelet", "/usr/bin/kubectl", "/opt/cni/bin/bridge"}
    assert told["/usr/bin/kubelet"][1] == f"1.36.3-{'b' * 12}" and told["/usr/bin/kubectl"] == ("1.36.4", "missing")
    assert told["/opt/cni/bin/bridge"] == (f"1.9.1-{'a' * 12}", f"1.9.1-{'b' * 12}")


def test_programs_that_others_have_brought_are_asked(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    for name, words in (("kubelet", "Kubernetes v1.36.4"), ("kubeadm", "v1.35.1"), ("kubectl", "no idea")):
        (tmp_path / "usr/bin" / name).write_text(f"#!/bin/sh\necho '{words}'\n")
        (tmp_path / "usr/bin" / name).chmod(0o755)
    told = {name: pair for name, pair in found(tmp_path).items() if name.startswith("/usr/bin/")}
    assert told == {"/usr/bin/kubeadm": ("1.36.4", "1.35.1"), "/usr/bin/kubectl": ("1.36.4", "unknown")}
    assert found(tmp_path)["/usr/local/bin/runc"] == ("1.4.3", "missing")


def test_where_kubernetes_programs_are_left_to_others_and_absent_nothing_is_said(tmp_path: Path) -> None:
    assert not [name for name in found(tmp_path) if name.startswith("/usr/bin/")]


def test_a_process_tells_which_release_it_was_started_from(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lib.so").write_bytes(b"x" * 4096)
    with (tmp_path / "old/lib.so").open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ):
        (tmp_path / "old/lib.so").unlink()
        assert installed.started_from(installed._maps(str(os.getpid())), str(tmp_path)) == {"old"}
    assert installed._maps("0") == ""
