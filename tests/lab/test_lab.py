"""The lab's pure parts: what it pins, declares and packs. The lab itself is run by hand: ./lab.sh, docs/lab.md."""

import asyncio
import itertools
import json
import re
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from orlop.node.declaring import declare
from orlop.node.plan import plan
from tests.lab import images, kernel, pins, places
from tests.lab.balancer import Balancer
from tests.lab.inventory import NETWORKS, builder, inventory

DIGEST = "0" * 64


def _described(minor: str) -> dict[str, Any]:
    return {"kubernetes": pins.version(minor), "sha256": dict.fromkeys(pins.PROGRAMS, DIGEST)}


def _hosts(minor: str, network: str = "flannel", *, nodes: int = 2, planes: int = 1) -> dict[str, Any]:
    hosts: dict[str, Any] = inventory(minor, network, nodes, _described(minor), planes=planes)["all"]["hosts"]
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


def test_several_control_planes_are_one_that_makes_the_cluster_and_others_that_join_it() -> None:
    hosts = _hosts("1.37", nodes=4, planes=3)
    plans = [plan(declare(host["orlop_node"])) for host in hosts.values()]
    assert [(found.role, found.first) for found in plans] == [
        ("control_plane", True),
        ("control_plane", False),
        ("control_plane", False),
        ("worker", False),
    ]
    # None of them is the address by which all others know the cluster.
    assert {host["orlop_node"]["cluster"]["endpoint"] for host in hosts.values()} == {places.API}
    assert not {places.address(number) for number in range(1, 5)} & {places.API.partition(":")[0]}


def test_nodes_on_a_bridge_have_no_address_in_common() -> None:
    networks = [
        ip_network(cidr)
        for host in _hosts("1.37", "bridge", nodes=3).values()
        for cidr in host["orlop_node"]["network"]["pod_cidrs"]
    ]
    whole = ip_network(places.POD_CIDR)
    assert len(networks) == 3 and all(part.subnet_of(whole) for part in networks)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(networks, 2))


def test_what_makes_an_airgap_bundle_is_declared_as_its_nodes_are() -> None:
    (declared,) = builder("1.37", "lab-builder", _described("1.37"))["all"]["hosts"].values()
    fetched = plan(declare(declared["orlop_node"])).artefacts["amd64"]
    assert {artefact.name: artefact.url for artefact in fetched} == {
        name: f"http://{places.FILES}/bin/{name}" for name in ("kubelet", "kubeadm", "kubectl")
    }


async def test_the_balancer_passes_over_servers_that_are_down() -> None:
    async def answer(name: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(name + await reader.readline())
        await writer.drain()
        writer.close()

    async def ask(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello\n")
        said = await reader.read()
        writer.close()
        return said

    def port(server: asyncio.Server) -> int:
        found: int = server.sockets[0].getsockname()[1]
        return found

    servers = [await asyncio.start_server(partial(answer, name), "127.0.0.1", 0) for name in (b"one ", b"two ")]
    balancer = await Balancer([f"127.0.0.1:{port(server)}" for server in servers]).start("127.0.0.1", 0)
    assert {await ask(port(balancer)) for _ in range(2)} == {b"one hello\n", b"two hello\n"}
    servers[0].close()
    await servers[0].wait_closed()
    assert [await ask(port(balancer)) for _ in range(3)] == [b"two hello\n"] * 3
    servers[1].close()
    assert await ask(port(balancer)) == b""
    balancer.close()


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
