"""What a plugin is told of a pod by the daemon, from the CRI's request to the plugin's stdin: every capability."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.network import PLUGIN_DIR
from tests.integration.network.machines import Machine

CAPABILITIES = (
    "portMappings", "bandwidth", "dns", "ipRanges", "mac", "ips", "cgroupPath", "io.kubernetes.cri.pod-annotations",
)  # fmt: skip
SCRIPT = """#!{python} -SE
import json, os, sys
command, told = os.environ["CNI_COMMAND"], json.load(sys.stdin)
for name, text in (("json", json.dumps(told)), ("args", os.environ["CNI_ARGS"])):
    with open(f"{base}/{{command}}.{{name}}", "w") as file:
        file.write(text)
if command == "ADD":
    json.dump(told["prevResult"], sys.stdout)
"""
"""Writes down what it is told, and hands on the result of the plugin before it."""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    plugins = Path(shutil.copytree(PLUGIN_DIR, tmp_path / "plugins"))
    script = plugins / "told"
    script.write_text(SCRIPT.format(base=tmp_path, python=sys.executable))
    script.chmod(0o755)
    with Machine(1, str(plugins), {"address_annotations": True}) as machine:
        content = machine.network.conflist()
        content["plugins"].append(
            {"type": "told", "capabilities": dict.fromkeys(CAPABILITIES, True), "args": {"cni": {"labels": ["a"]}}}
        )
        machine.network.write(content)
        machine.start()
        yield machine


def test_each_capability_reaches_the_plugin_that_lists_it(machine: Machine, tmp_path: Path) -> None:
    def read(name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((tmp_path / name).read_text())
        return content

    machine.cri("UpdateRuntimeConfig", runtime_config={"network_config": {"pod_cidr": "10.9.0.0/24,fd09::/64"}})
    asked = {
        "cni.orlop/mac": "0a:58:0a:00:00:05",
        "cni.orlop/ips": "10.9.0.9/24",
        "kubernetes.io/ingress-bandwidth": "10M",
    }
    machine.pod(
        metadata={"name": "web", "uid": "u1", "namespace": "shop", "attempt": 0},
        annotations=asked,
        dns_config={"servers": ["10.9.0.53"], "searches": ["shop.svc"], "options": ["ndots:2"]},
        port_mappings=[{"container_port": 80, "host_port": 18080, "protocol": 0}],
    )
    pod = machine.pods.made[0]
    told = read("ADD.json")
    cgroup = told["runtimeConfig"].pop("cgroupPath")
    assert pod.id in cgroup
    assert told["runtimeConfig"] == {
        "portMappings": [{"hostPort": 18080, "containerPort": 80, "protocol": "tcp"}],
        "bandwidth": {"ingressRate": 10_000_000, "ingressBurst": (1 << 31) - 1},
        "dns": {"servers": ["10.9.0.53"], "searches": ["shop.svc"], "options": ["ndots:2"]},
        "ipRanges": [[{"subnet": "10.9.0.0/24"}], [{"subnet": "fd09::/64"}]],
        "mac": "0a:58:0a:00:00:05",
        "ips": ["10.9.0.9/24"],
        "io.kubernetes.cri.pod-annotations": asked,
    }
    assert told["args"] == {"cni": {"labels": ["a"]}}
    assert told["prevResult"]["ips"]
    named = f"K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID={pod.id};K8S_POD_UID=u1"
    assert named in (tmp_path / "ADD.args").read_text()
    machine.pods.remove_all()
    again = read("DEL.json")
    assert again["runtimeConfig"] == {**told["runtimeConfig"], "cgroupPath": cgroup}
    assert again["prevResult"] == told["prevResult"]
    assert named in (tmp_path / "DEL.args").read_text()
