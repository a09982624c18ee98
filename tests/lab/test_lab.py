"""The lab's pure parts: what it pins, declares and packs. The lab itself is run by hand: ./lab.sh, docs/lab.md."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from orlop.node.declaring import declare
from orlop.node.plan import plan
from tests.lab import images, kernel, pins, places
from tests.lab.inventory import NETWORKS, inventory

DIGEST = "0" * 64


def _hosts(minor: str, network: str = "flannel") -> dict[str, Any]:
    described = {"kubernetes": pins.version(minor), "sha256": dict.fromkeys(pins.PROGRAMS, DIGEST)}
    hosts: dict[str, Any] = inventory(minor, network, 2, described)["all"]["hosts"]
    return hosts


@pytest.mark.parametrize("minor", places.MINORS)
def test_staging_modules_are_the_twins_of_the_pinned_version(minor: str) -> None:
    text = (pins.directory(minor) / "go.mod").read_text()
    patch = pins.version(minor).rpartition(".")[2]
    replaced = dict(re.findall(r"^(?:replace |\t)(k8s.io/[a-z-]+) => \1 (v\S+)$", text, re.MULTILINE))
    assert set(replaced.values()) == {f"v0{minor[1:]}.{patch}"}
    required = set(re.findall(r"^\t(k8s.io/[a-z-]+) v0", text, re.MULTILINE))
    # What kubernetes does not develop in its own repository has versions of its own.
    assert required - set(replaced) <= {
        "k8s.io/gengo",
        "k8s.io/kube-openapi",
        "k8s.io/system-validators",
        "k8s.io/utils",
    }
    assert all(f"k8s.io/kubernetes/cmd/{program}\n" in text for program in pins.PROGRAMS)


@pytest.mark.parametrize("minor", places.MINORS)
@pytest.mark.parametrize("network", NETWORKS)
def test_nodes_are_declared_for_every_minor(minor: str, network: str) -> None:
    plans = {name: plan(declare(host["orlop_node"])) for name, host in _hosts(minor, network).items()}
    assert [found.role for found in plans.values()] == ["control_plane", "worker"]
    init = next(file for file in plans["lab-node-1"].files["control_plane"] if file.path.endswith("kubeadm-init.yaml"))
    assert f"kubernetesVersion: {pins.version(minor)}\n" in init.content
    assert "failCgroupV1: false\n" in init.content
    assert "maxPerCore: 0\n" in init.content


@pytest.mark.parametrize("minor", places.MINORS)
def test_a_bundle_has_the_images_that_are_asked_for(
    minor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = dict.fromkeys((*pins.PROGRAMS, "etcd", "coredns", "flanneld", "flannel", "pause"), "v1")
    for program in versions:
        (tmp_path / program).write_text(program)
    monkeypatch.setattr(images.packages, "network_tools", dict)
    packed = dict(images.images(minor, tmp_path, versions))
    first = plan(declare(_hosts(minor)["lab-node-1"]["orlop_node"]))
    manifest = first.files["network"][0].content
    asked = set(re.findall(r"image: \"?(\S+?)\"?$", manifest, re.MULTILINE))
    assert asked and asked <= set(packed)
    version = pins.version(minor)
    assert {f"registry.k8s.io/kube-{part}:{version}" for part in ("apiserver", "proxy", "scheduler")} <= set(packed)
    config = json.loads(packed[f"registry.k8s.io/kube-apiserver:{version}"].config)["config"]
    assert config["Entrypoint"] == ["/usr/local/bin/kube-apiserver"]


def test_kernel_parameters_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_path", lambda name: tmp_path / name)
    before = {"vm.overcommit_memory": "0", "kernel.panic": "1", "kernel.panic_on_oops": "1"}
    before |= {"fs.inotify.max_user_instances": "128", "fs.inotify.max_user_watches": "1000000"}
    for name, value in before.items():
        (tmp_path / name).write_text(f"{value}\n")
    changed = kernel.prepare()
    after = {name: (tmp_path / name).read_text().strip() for name in before}
    assert after == {**kernel.WANTED, "fs.inotify.max_user_instances": "8192", "fs.inotify.max_user_watches": "1000000"}
    assert changed == {name: before[name] for name in ("vm.overcommit_memory", "kernel.panic", *list(kernel.LEAST)[:1])}
    kernel.restore(changed)
    assert {name: (tmp_path / name).read_text().strip() for name in before} == before
